//! A log's websocket that reconnects, and distinguishes text from a refusal.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::transport::{Client, Error, Headers, Limits, Path, Socket};
use convox_wire::frame::{self, Frame};

/// The pause before a reconnect, doubled up to two seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A socket that breaks within this time, without any data, counts as refused.
const EMPTY_WITHIN: Duration = Duration::from_secs(5);

/// A log that was never connected is given up after this many failures.
const FAILURES: u32 = 2;

/// The state of a log's connection. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ConnectionState(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: AtomicBool,
    was_open: AtomicBool,
    failures: AtomicU32,
    received: AtomicU64,
}

impl ConnectionState {
    /// Returns whether a socket is open.
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Whether no socket is open but one is to be expected: after a cut, and until the first one
    /// has failed more than once.
    pub fn may_come(&self) -> bool {
        let was_open = self.0.was_open.load(Ordering::Relaxed);
        !self.is_open() && (was_open || self.0.failures.load(Ordering::Relaxed) < FAILURES)
    }

    /// Bytes received in all, including repeated ones.
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    fn set_open(&self, open: bool) {
        self.0.open.store(open, Ordering::Relaxed);
        self.0.was_open.fetch_or(open, Ordering::Relaxed);
    }

    fn note_failure(&self) {
        self.0.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn note_data(&self, data: &[u8]) {
        self.0.received.fetch_add(data.len() as u64, Ordering::Relaxed);
    }
}

/// A socket that is being opened.
type Opening = Pin<Box<dyn Future<Output = Result<Socket, Error>> + Send>>;

/// A websocket that reconnects after cuts.
pub(super) struct ReconnectingSocket {
    client: Client,
    path: Path,
    socket: Option<Socket>,
    /// Kept across calls, since a caller may stop waiting and come back.
    opening: Option<Opening>,
    state: ConnectionState,
    /// A first frame that may be a refusal, until the next one arrives.
    possible_refusal: Option<Bytes>,
    first: bool,
    pause: Duration,
    skip_pause: bool,
    /// Since when sockets have opened and broken without any data.
    empty_since: Option<Instant>,
    opened: Instant,
    opened_count: u32,
}

/// What a socket received.
pub(super) enum SocketEvent {
    Data(Bytes),
    /// The end of the stream.
    End,
    /// `ERROR: …` and nothing else.
    Refused(String),
    /// The connection broke. The next call reconnects.
    Cut,
}

impl ReconnectingSocket {
    pub(super) fn new(client: Client, path: Path) -> Self {
        Self {
            client,
            path,
            socket: None,
            opening: None,
            state: ConnectionState::default(),
            possible_refusal: None,
            first: true,
            pause: FIRST_PAUSE,
            skip_pause: false,
            empty_since: None,
            opened: Instant::now(),
            opened_count: 0,
        }
    }

    /// The state of the connection, for others to watch.
    pub(super) fn state(&self) -> ConnectionState {
        self.state.clone()
    }

    /// Returns whether a socket is open.
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// How often a socket was opened.
    pub(super) fn opened_count(&self) -> u32 {
        self.opened_count
    }

    /// The client's time limits.
    pub(super) fn limits(&self) -> &Limits {
        self.client.limits()
    }

    /// The rack's time when the current socket was opened.
    pub(super) fn opened_at(&self) -> Option<std::time::SystemTime> {
        self.socket.as_ref().and_then(Socket::opened_at)
    }

    /// How long the handshake of the current socket took.
    pub(super) fn handshake_took(&self) -> Duration {
        self.socket.as_ref().map(Socket::handshake_took).unwrap_or_default()
    }

    /// Opens the socket, with a pause unless it is the first one. Transient failures are repeated
    /// within the retry budget; `options` is called for each attempt. Cancel-safe.
    pub(super) async fn open(
        &mut self,
        options: impl Fn() -> Headers + Send + 'static,
    ) -> Result<(), Error> {
        let opening = match self.opening.take() {
            Some(opening) => opening,
            None => self.begin(options),
        };
        let opened = self.opening.insert(opening).await;
        self.opening = None;
        self.socket = Some(opened?);
        self.state.set_open(true);
        self.opened = Instant::now();
        self.first = true;
        self.possible_refusal = None;
        self.opened_count += 1;
        Ok(())
    }

    /// Makes the next [`ReconnectingSocket::open`] connect without a pause.
    pub(super) fn skip_pause(&mut self) {
        self.skip_pause = true;
    }

    fn begin(&mut self, options: impl Fn() -> Headers + Send + 'static) -> Opening {
        let skip_pause = std::mem::take(&mut self.skip_pause);
        let pause = (self.opened_count > 0 && !skip_pause).then_some(self.pause);
        if pause.is_some() {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        let (client, path, open) = (self.client.clone(), self.path.clone(), self.state.clone());
        Box::pin(async move {
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            client.open(&path, options, |_| open.note_failure()).await
        })
    }

    /// Returns what the open socket receives next. Cancel-safe.
    pub(super) async fn next(&mut self) -> SocketEvent {
        loop {
            let Some(socket) = &mut self.socket else { return SocketEvent::Cut };
            match socket.next().await {
                Ok(Frame::Data(data)) => {
                    self.pause = FIRST_PAUSE;
                    self.empty_since = None;
                    self.state.note_data(&data);
                    if std::mem::take(&mut self.first) && frame::refusal(&data).is_some() {
                        self.possible_refusal = Some(data);
                        continue;
                    }
                    return SocketEvent::Data(self.with_possible_refusal(data));
                }
                Ok(Frame::End) => return self.end(),
                Err(_) => {
                    self.cut();
                    return SocketEvent::Cut;
                }
            }
        }
    }

    /// Closes the socket as if it had been cut.
    pub(super) fn cut(&mut self) {
        self.close();
        self.possible_refusal = None;
        if self.first && self.opened.elapsed() < EMPTY_WITHIN {
            self.empty_since.get_or_insert(self.opened);
        } else {
            self.empty_since = None;
        }
    }

    fn close(&mut self) {
        self.socket = None;
        self.state.set_open(false);
    }

    /// Returns whether sockets have broken at once for longer than the retry budget.
    pub(super) fn should_give_up(&self) -> bool {
        self.empty_since.is_some_and(|since| since.elapsed() > self.client.limits().retry)
    }

    /// The error for that. Another call gets another budget.
    pub(super) fn give_up_error(&mut self) -> Error {
        self.empty_since = None;
        self.client.breaks_at_once(&self.path)
    }

    fn with_possible_refusal(&mut self, data: Bytes) -> Bytes {
        match self.possible_refusal.take() {
            Some(possible_refusal) => [possible_refusal, data].concat().into(),
            None => data,
        }
    }

    fn end(&mut self) -> SocketEvent {
        self.close();
        let possible_refusal = self.possible_refusal.take();
        match possible_refusal.as_deref().and_then(frame::refusal) {
            Some(message) => SocketEvent::Refused(self.client.redact(message)),
            None => SocketEvent::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

    use super::*;
    use crate::path;
    use crate::transport::{Endpoint, Options};

    /// A connection, and the key for the response to the handshake that was sent on it.
    async fn accept(listener: &TcpListener) -> (TcpStream, String) {
        let (stream, _) = listener.accept().await.unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        loop {
            line.clear();
            lines.read_line(&mut line).await.unwrap();
            if let Some(key) = line.trim().strip_prefix("sec-websocket-key: ") {
                let key = derive_accept_key(key.as_bytes());
                return (lines.into_inner(), key);
            }
        }
    }

    #[tokio::test]
    async fn a_handshake_goes_on_where_it_stood_when_it_is_waited_for_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::new(Endpoint::new(url.parse().unwrap()), Options::default());
        let mut socket = ReconnectingSocket::new(client, path!["apps", "web", "logs"]);
        let (mut stream, key) = tokio::select! {
            _ = socket.open(Vec::new) => panic!("nothing was answered"),
            asked = accept(&listener) => asked,
        };
        let response = format!(
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {key}\r\n\r\n"
        );
        stream.write_all(response.as_bytes()).await.unwrap();
        socket.open(Vec::new).await.unwrap();
        assert!(socket.is_open());
        assert!(listener.accept().now_or_never().is_none(), "it was asked for twice");
    }
}
