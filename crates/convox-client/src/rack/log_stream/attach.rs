//! Opening a log's socket, again and again if need be, and telling text from a refusal.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::transport::{Client, Error, Headers, Limits, Path, Socket};
use convox_wire::frame::{self, Frame};

/// The pause before a stream is attached again; doubled up to two seconds.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A socket that breaks within this time, and has given nothing, might as well have been refused.
const BARREN: Duration = Duration::from_secs(5);

/// A log that was never attached, and could not be so often, may never be.
const FAILURES: u32 = 2;

/// How an attachment is doing. Cheap to clone; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Attached(Arc<State>);

#[derive(Debug, Default)]
struct State {
    open: AtomicBool,
    was_open: AtomicBool,
    failures: AtomicU32,
    received: AtomicU64,
}

impl Attached {
    /// Is a socket open?
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Is none open, and one to be expected? After a cut it is, and until the first one has failed
    /// more than once.
    pub fn may_come(&self) -> bool {
        let was_open = self.0.was_open.load(Ordering::Relaxed);
        !self.is_open() && (was_open || self.0.failures.load(Ordering::Relaxed) < FAILURES)
    }

    /// Bytes received in all, those that had been shown before too.
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

/// An attachment that comes back after cuts.
pub(super) struct ReconnectingSocket {
    client: Client,
    path: Path,
    socket: Option<Socket>,
    /// Who waits for it may leave and come back: the handshake goes on where it stood.
    opening: Option<Opening>,
    open: Attached,
    /// A first frame that may be a refusal, until the next one tells.
    held: Option<Bytes>,
    first: bool,
    pause: Duration,
    /// Since when sockets have opened and broken without giving anything.
    empty_since: Option<Instant>,
    opened: Instant,
    attached: u32,
}

/// What an attachment gives.
pub(super) enum SocketEvent {
    Data(Bytes),
    /// The end, and whether anything came before it.
    End,
    /// `ERROR: …` and nothing else.
    Refused(String),
    /// The connection broke; asking again attaches again.
    Cut,
}

impl ReconnectingSocket {
    pub(super) fn new(client: Client, path: Path) -> Self {
        Self {
            client,
            path,
            socket: None,
            opening: None,
            open: Attached::default(),
            held: None,
            first: true,
            pause: PAUSE,
            empty_since: None,
            opened: Instant::now(),
            attached: 0,
        }
    }

    /// How it is doing, for somebody else to see.
    pub(super) fn attached(&self) -> Attached {
        self.open.clone()
    }

    /// Is a socket open?
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// How often a socket was opened.
    pub(super) fn times(&self) -> u32 {
        self.attached
    }

    /// The client's time limits.
    pub(super) fn limits(&self) -> &Limits {
        self.client.limits()
    }

    /// The rack's clock when the present socket was opened.
    pub(super) fn opened_at(&self) -> Option<std::time::SystemTime> {
        self.socket.as_ref().and_then(Socket::opened_at)
    }

    /// How long the handshake of the present socket took.
    pub(super) fn delay(&self) -> Duration {
        self.socket.as_ref().map(Socket::delay).unwrap_or_default()
    }

    /// Opens the socket; after the first time not at once. Failures that pass are waited out within
    /// the retry budget; `options` are read anew for each try. Safe to drop while waiting.
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
        self.open.set_open(true);
        self.opened = Instant::now();
        self.first = true;
        self.held = None;
        self.attached += 1;
        Ok(())
    }

    fn begin(&mut self, options: impl Fn() -> Headers + Send + 'static) -> Opening {
        let pause = (self.attached > 0).then_some(self.pause);
        if pause.is_some() {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        let (client, path, open) = (self.client.clone(), self.path.clone(), self.open.clone());
        Box::pin(async move {
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            client.open(&path, options, |_| open.note_failure()).await
        })
    }

    /// The next thing of the open socket. Safe to drop while waiting.
    pub(super) async fn next(&mut self) -> SocketEvent {
        loop {
            let Some(socket) = &mut self.socket else { return SocketEvent::Cut };
            match socket.next().await {
                Ok(Frame::Data(data)) => {
                    self.pause = PAUSE;
                    self.empty_since = None;
                    self.open.note_data(&data);
                    if std::mem::take(&mut self.first) && frame::refusal(&data).is_some() {
                        self.held = Some(data);
                        continue;
                    }
                    return SocketEvent::Data(self.with_held(data));
                }
                Ok(Frame::End) => return self.end(),
                Err(_) => {
                    self.cut();
                    return SocketEvent::Cut;
                }
            }
        }
    }

    /// Gives the socket up, as if it had been cut.
    pub(super) fn cut(&mut self) {
        self.close();
        self.held = None;
        if self.first && self.opened.elapsed() < BARREN {
            self.empty_since.get_or_insert(self.opened);
        } else {
            self.empty_since = None;
        }
    }

    fn close(&mut self) {
        self.socket = None;
        self.open.set_open(false);
    }

    /// Have sockets broken at once for as long as anything is repeated?
    pub(super) fn should_give_up(&self) -> bool {
        self.empty_since.is_some_and(|since| since.elapsed() > self.client.limits().retry)
    }

    /// What is said then. Who asks again all the same gets another budget.
    pub(super) fn given_up(&mut self) -> Error {
        self.empty_since = None;
        self.client.breaks_at_once(&self.path)
    }

    fn with_held(&mut self, data: Bytes) -> Bytes {
        match self.held.take() {
            Some(held) => [held, data].concat().into(),
            None => data,
        }
    }

    fn end(&mut self) -> SocketEvent {
        self.close();
        let held = self.held.take();
        match held.as_deref().and_then(frame::refusal) {
            Some(words) => SocketEvent::Refused(self.client.redact(words)),
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

    /// A connection, and the key of the handshake that was asked for on it.
    async fn asked(listener: &TcpListener) -> (TcpStream, String) {
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
        let mut attachment = ReconnectingSocket::new(client, path!["apps", "web", "logs"]);
        let (mut stream, key) = tokio::select! {
            _ = attachment.open(Vec::new) => panic!("nothing was answered"),
            asked = asked(&listener) => asked,
        };
        let response = format!(
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {key}\r\n\r\n"
        );
        stream.write_all(response.as_bytes()).await.unwrap();
        attachment.open(Vec::new).await.unwrap();
        assert!(attachment.is_open());
        assert!(listener.accept().now_or_never().is_none(), "it was asked for twice");
    }
}
