//! Websockets with the conventions of v3 racks: errors are sent after the handshake as a text frame
//! `ERROR: …`, and an empty binary frame marks the end of the data. Unlike v3 racks this one also
//! sends a close frame.

use std::io;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};

use super::auth;
use super::error::Refusal;
use super::rack::{Lifecycle, Shared};

/// How long to wait for the peer's close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A source of text to send, chunk by chunk.
pub(crate) trait Source: Send + 'static {
    /// Returns the next chunk, or `None` at the end. Must be cancel safe.
    fn next(&mut self) -> impl Future<Output = io::Result<Option<String>>> + Send;
}

/// A request to open a websocket.
pub(crate) struct Socket {
    upgrade: WebSocketUpgrade,
    headers: HeaderMap,
    rack: Shared,
}

impl FromRequestParts<Shared> for Socket {
    type Rejection = StatusCode;

    /// Rejects a plain request to a websocket's path with an empty 404, as v3 racks do.
    async fn from_request_parts(parts: &mut Parts, rack: &Shared) -> Result<Self, StatusCode> {
        let spelled = parts.headers.get(header::UPGRADE).map(|value| value.as_bytes());
        if spelled != Some(b"websocket") {
            return Err(StatusCode::NOT_FOUND);
        }
        let upgrade = WebSocketUpgrade::from_request_parts(parts, rack).await;
        let upgrade = upgrade.map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Self { upgrade, headers: parts.headers.clone(), rack: rack.clone() })
    }
}

impl Socket {
    /// Accepts the websocket and sends what `source` yields. A wrong password, and a refusal by
    /// `source`, is reported on the open websocket.
    pub(crate) fn send<S: Source>(
        self,
        source: impl FnOnce(&Shared, &HeaderMap) -> Result<S, Refusal>,
    ) -> Response {
        let Self { upgrade, headers, rack } = self;
        let allowed = auth::check_password(&headers, &rack.password);
        let source = allowed.and_then(|()| source(&rack, &headers));
        upgrade.on_upgrade(|socket| async move {
            let (mut out, mut peer) = socket.split();
            let end = match source {
                Ok(source) => transfer(source, &mut out, &mut peer, &rack).await,
                Err(refusal) => refuse(&refusal, &mut out).await,
            };
            close(end, out, peer).await;
        })
    }
}

/// How a transfer ended.
enum End {
    /// Everything was sent.
    Complete,
    /// The rack is stopping.
    Stopping,
    /// The peer disconnected.
    Gone,
}

type Out = SplitSink<WebSocket, Message>;
type Peer = SplitStream<WebSocket>;

async fn transfer(mut source: impl Source, out: &mut Out, peer: &mut Peer, rack: &Shared) -> End {
    let mut life = rack.lifecycle.subscribe();
    loop {
        let chunk = tokio::select! {
            chunk = source.next() => chunk,
            () = gone(peer) => return End::Gone,
            _ = life.wait_for(|life| *life == Lifecycle::Stopping) => return End::Stopping,
        };
        let sent = match chunk {
            Ok(Some(text)) => out.send(Message::Text(text.into())).await,
            Ok(None) => return End::Complete,
            Err(error) => return refuse(&error.into(), out).await,
        };
        if sent.is_err() {
            return End::Gone;
        }
    }
}

async fn refuse(refusal: &Refusal, out: &mut Out) -> End {
    let text = format!("ERROR: {}\n", refusal.message);
    match out.send(Message::Text(text.into())).await {
        Ok(()) => End::Complete,
        Err(_) => End::Gone,
    }
}

/// Waits until the peer closes or disconnects. Messages from the peer are ignored; tungstenite
/// answers pings.
async fn gone(peer: &mut Peer) {
    while let Some(Ok(message)) = peer.next().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
    }
}

async fn close(end: End, mut out: Out, mut peer: Peer) {
    let (code, reason) = match end {
        End::Complete => (close_code::NORMAL, ""),
        // No end-of-data frame: a client that follows is to reconnect.
        End::Stopping => (close_code::RESTART, "the rack stops"),
        End::Gone => return,
    };
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let words = async {
        if code == close_code::NORMAL {
            out.send(Message::Binary(Bytes::new())).await?;
        }
        out.send(close).await?;
        gone(&mut peer).await;
        Ok::<(), axum::Error>(())
    };
    // A peer that never sends its close frame has received everything nonetheless.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, words).await;
}
