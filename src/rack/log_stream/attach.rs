//! Opening a log's socket, again and again if need be, and telling text from a refusal.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::transport::{Client, Error, Path, Socket};
use crate::wire::frame::{self, Frame};

/// The pause before a stream is attached again; doubled up to two seconds.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// An attachment that comes back after cuts.
pub(super) struct Attachment {
    client: Client,
    path: Path,
    socket: Option<Socket>,
    /// A first frame that may be a refusal, until the next one tells.
    held: Option<Bytes>,
    first: bool,
    pause: Duration,
    failing_since: Option<Instant>,
    attached: u32,
}

/// What an attachment gives.
pub(super) enum Got {
    Data(Bytes),
    /// The end, and whether anything came before it.
    End,
    /// `ERROR: …` and nothing else.
    Refused(String),
    /// The connection broke; asking again attaches again.
    Cut,
}

impl Attachment {
    pub(super) fn new(client: Client, path: Path) -> Self {
        let (pause, failing_since) = (PAUSE, None);
        Self {
            client,
            path,
            socket: None,
            held: None,
            first: true,
            pause,
            failing_since,
            attached: 0,
        }
    }

    /// Is a socket open?
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// How often a socket was opened.
    pub(super) fn times(&self) -> u32 {
        self.attached
    }

    /// The rack's clock when the present socket was opened.
    pub(super) fn opened_at(&self) -> Option<std::time::SystemTime> {
        self.socket.as_ref().and_then(Socket::opened_at)
    }

    /// Opens the socket. After the first time, failures that pass are waited out within the retry
    /// budget.
    pub(super) async fn open(&mut self, options: &[(&'static str, String)]) -> Result<(), Error> {
        loop {
            if self.attached > 0 {
                tokio::time::sleep(self.pause).await;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            match self.client.open(&self.path, options).await {
                Ok(socket) => {
                    self.socket = Some(socket);
                    self.first = true;
                    self.held = None;
                    self.attached += 1;
                    return Ok(());
                }
                Err(error) => self.bear(error).await?,
            }
        }
    }

    /// Waits out a failure to open, if it will pass in time.
    async fn bear(&mut self, error: Error) -> Result<(), Error> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        let passing = error.is_passing() || matches!(error.status(), Some(429 | 502 | 503 | 504));
        if !passing || since.elapsed() + self.pause > self.client.limits().retry {
            return Err(error);
        }
        if self.attached == 0 {
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// The next thing of the open socket. Safe to drop while waiting.
    pub(super) async fn next(&mut self) -> Got {
        loop {
            let Some(socket) = &mut self.socket else { return Got::Cut };
            match socket.next().await {
                Ok(Frame::Data(data)) => {
                    self.pause = PAUSE;
                    self.failing_since = None;
                    if std::mem::take(&mut self.first) && frame::refusal(&data).is_some() {
                        self.held = Some(data);
                        continue;
                    }
                    return Got::Data(self.with_held(data));
                }
                Ok(Frame::End) => return self.end(),
                Err(_) => {
                    self.socket = None;
                    self.held = None;
                    return Got::Cut;
                }
            }
        }
    }

    fn with_held(&mut self, data: Bytes) -> Bytes {
        match self.held.take() {
            Some(held) => [held, data].concat().into(),
            None => data,
        }
    }

    fn end(&mut self) -> Got {
        self.socket = None;
        let held = self.held.take();
        match held.as_deref().and_then(frame::refusal) {
            Some(words) => Got::Refused(words.to_owned()),
            None => Got::End,
        }
    }
}
