//! Sockets, as v3 racks have them: errors come after the handshake as an `ERROR: …` text frame,
//! and an empty binary frame ends the data. This rack then closes the connection properly, too.

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

/// How long a peer may take to close its side.
const FAREWELL: Duration = Duration::from_secs(5);

/// Data for a socket, piece by piece.
pub(crate) trait Source: Send + 'static {
    /// The next piece; `None` at the end. May be dropped while it waits, and asked again.
    fn next(&mut self) -> impl Future<Output = io::Result<Option<String>>> + Send;
}

/// A request to open a socket.
pub(crate) struct Socket {
    upgrade: WebSocketUpgrade,
    headers: HeaderMap,
    rack: Shared,
}

impl FromRequestParts<Shared> for Socket {
    type Rejection = StatusCode;

    /// A plain request to a socket's path is answered as v3 racks do: 404, with no words.
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
    /// Opens the socket and sends what `source` gives. Who does not know the password, and what
    /// `source` refuses, is told on the open socket.
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
            farewell(end, out, peer).await;
        })
    }
}

/// How a transfer ended.
enum End {
    /// All was sent.
    Complete,
    /// The rack stops.
    Stopping,
    /// The peer is gone.
    Gone,
}

type Out = SplitSink<WebSocket, Message>;
type Peer = SplitStream<WebSocket>;

async fn transfer(mut source: impl Source, out: &mut Out, peer: &mut Peer, rack: &Shared) -> End {
    let mut life = rack.lifecycle.subscribe();
    loop {
        let piece = tokio::select! {
            piece = source.next() => piece,
            () = gone(peer) => return End::Gone,
            _ = life.wait_for(|life| *life == Lifecycle::Stopping) => return End::Stopping,
        };
        let sent = match piece {
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

/// Waits until the peer closes or is lost. What it sends is not for a log's socket; pings are
/// answered below this.
async fn gone(peer: &mut Peer) {
    while let Some(Ok(message)) = peer.next().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
    }
}

async fn farewell(end: End, mut out: Out, mut peer: Peer) {
    let (code, reason) = match end {
        End::Complete => (close_code::NORMAL, ""),
        // No end of data: a client that follows shall come again.
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
    // A peer that is gone, or never closes, has all that there was to say.
    let _ = tokio::time::timeout(FAREWELL, words).await;
}
