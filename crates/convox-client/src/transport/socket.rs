//! Websockets to a rack (RFC 6455), opened like requests and read frame by frame.

use std::time::Duration;

use base64::Engine;
use reqwest::Upgraded;
use reqwest::header::{CONNECTION, DATE, HeaderName, ORIGIN, UPGRADE};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::body::TimeoutPhase;
use super::client::header_value;
use super::halves::{self, SocketReceiver, SocketSender};
use super::response::refusal_message;
use super::{Cause, Client, Error, Event, Path, RequestLine};
use convox_wire::frame::Frame;

/// A websocket's options, which are sent as headers of its handshake.
pub type Headers = Vec<(&'static str, String)>;

/// How a websocket ended, other than by the rack's end frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The rack closed it with another code than 1000 and 1001.
    #[error("closed with code {0}")]
    Code(u16),
    /// The connection broke.
    #[error("the connection was cut ({0})")]
    Cut(String),
    /// The rack violated RFC 6455.
    #[error("not a valid frame: {0}")]
    Invalid(String),
}

/// An open websocket.
pub struct Socket {
    sender: SocketSender,
    receiver: SocketReceiver,
    /// The rack's time when it opened the socket (RFC 9110, `Date`: whole seconds).
    opened_at: Option<std::time::SystemTime>,
    /// How long the handshake took.
    handshake_took: Duration,
}

/// Reports the end of the socket when dropped.
pub(super) struct CloseGuard {
    client: Client,
    request: RequestLine,
    why: String,
    bytes: u64,
}

impl Drop for CloseGuard {
    fn drop(&mut self) {
        let (request, why) = (self.request.clone(), std::mem::take(&mut self.why));
        self.client.emit(Event::SocketClosed { request, why, bytes: self.bytes });
    }
}

impl CloseGuard {
    /// Notes what was received.
    pub(super) fn note(&mut self, result: &Result<Frame, CloseReason>) {
        match result {
            Ok(Frame::Data(data)) => self.bytes += data.len() as u64,
            Ok(Frame::End) => "ended by the rack".clone_into(&mut self.why),
            Err(reason) => self.why = reason.to_string(),
        }
    }
}

impl Client {
    /// Makes one attempt to open a websocket. Options are sent as headers, never in the query.
    pub(super) async fn open_once(
        &self,
        path: &Path,
        options: &[(&'static str, String)],
        attempt: u32,
    ) -> Result<Socket, Error> {
        let started = Instant::now();
        let opened = self.handshake(path, options).await;
        let (request, took) = (RequestLine::websocket(path), started.elapsed());
        self.emit(match &opened {
            Ok(_) => Event::SocketOpened { request, took },
            Err(error) => Event::Failed { request, why: error.to_string(), took, attempt },
        });
        opened
    }

    async fn handshake(
        &self,
        path: &Path,
        options: &[(&'static str, String)],
    ) -> Result<Socket, Error> {
        let (request, started) = (RequestLine::websocket(path), Instant::now());
        self.check_socket(&request)?;
        let key = random_key()?;
        let upgrade = self.upgrade_request(path, options, &key)?;
        let late = |_| self.timeout_error(request.clone(), TimeoutPhase::AwaitingResponse);
        let response = timeout(self.limits().response, self.socket_http()?.execute(upgrade))
            .await
            .map_err(late)?
            .map_err(|error| self.network_error(request.clone(), error))?;
        let status = response.status().as_u16();
        self.check_proxy(&request, status)?;
        self.note_response();
        if status != 101 {
            let headers = response.headers().clone();
            // A refusal whose message can't be read is still a refusal.
            let body = self.refusal_body(&request, response).await.unwrap_or_default();
            let (message, retry_after) = refusal_message(status, &headers, &body, &self.redactor());
            let message = message.chars().take(200).collect();
            return Err(Error::Handshake { request, status, message, retry_after });
        }
        let accepted = response.headers().get("sec-websocket-accept").map(|value| value.as_bytes());
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            let problem = "the handshake's Sec-WebSocket-Accept is wrong".to_owned();
            return Err(Error::InvalidResponse { request, problem });
        }
        let date = response.headers().get(DATE).and_then(|value| value.to_str().ok());
        let opened_at = date.and_then(|text| httpdate::parse_http_date(text).ok());
        let stream =
            response.upgrade().await.map_err(|error| self.network_error(request.clone(), error))?;
        let why = "closed by the client".to_owned();
        let guard = CloseGuard { client: self.clone(), request, why, bytes: 0 };
        Ok(Socket::new(stream, self.limits().ping, (opened_at, started.elapsed()), guard))
    }

    /// The error for websockets at `path` that repeatedly break before any data.
    pub fn breaks_at_once(&self, path: &Path) -> Error {
        let cause = Cause::Cut("websockets open and break at once".to_owned());
        self.unreachable(RequestLine::websocket(path), cause, None)
    }

    fn upgrade_request(
        &self,
        path: &Path,
        options: &[(&'static str, String)],
        key: &str,
    ) -> Result<reqwest::Request, Error> {
        let url = self.url_of(path)?;
        let origin = url.origin().ascii_serialization();
        let mut headers = self.headers()?;
        for (name, value) in options {
            headers.insert(HeaderName::from_static(name), header_value(name, value)?);
        }
        headers.insert(CONNECTION, header_value("connection", "Upgrade")?);
        headers.insert(UPGRADE, header_value("upgrade", "websocket")?); // spelled exactly so
        headers.insert(ORIGIN, header_value("origin", &origin)?);
        headers.insert("sec-websocket-version", header_value("version", "13")?);
        headers.insert("sec-websocket-key", header_value("key", key)?);
        let request = self.socket_http()?.get(url).headers(headers);
        request
            .build()
            .map_err(|error| Error::Config(format!("the request can't be built: {error}")))
    }
}

fn random_key() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Config(format!("the system has no random numbers: {error}")))?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

impl Socket {
    fn new(
        stream: Upgraded,
        ping: Duration,
        (opened_at, handshake_took): (Option<std::time::SystemTime>, Duration),
        guard: CloseGuard,
    ) -> Self {
        let (sender, receiver) = halves::split(stream, ping, guard);
        Self { sender, receiver, opened_at, handshake_took }
    }

    /// The rack's time when it opened the socket, if its response had a `Date`.
    pub fn opened_at(&self) -> Option<std::time::SystemTime> {
        self.opened_at
    }

    /// How long the handshake took.
    pub fn handshake_took(&self) -> Duration {
        self.handshake_took
    }

    /// Returns the next part of the data, or the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// [`CloseReason`] if the socket ended in another way.
    pub async fn next(&mut self) -> Result<Frame, CloseReason> {
        self.receiver.next().await
    }

    /// Splits the socket into a half that sends and one that receives.
    pub fn split(self) -> (SocketSender, SocketReceiver) {
        (self.sender, self.receiver)
    }
}
