use std::time::Duration;

use bytes::Bytes;

use super::attach::{Attached, ReconnectingSocket, SocketEvent};
use super::resume::{LogResumer, Resumed};
use super::{LogError, LogEvent};
use crate::path;
use crate::rack::Rack;
use convox_wire::{AppName, BuildId};

/// Said by v3 racks while a build's log is not there yet.
const NOT_YET: &str = "unable to read logs for build";
/// A differing log that has been quiet for so long is looked into.
const QUIET: Duration = Duration::from_millis(700);

/// The log of a build (`/apps/{app}/builds/{id}/logs`; v2, v3, classic). Racks send it from its
/// start each time; this goes on where it stood.
pub struct BuildLog {
    attachment: ReconnectingSocket,
    replay: LogResumer,
    pending: Option<Bytes>,
    /// The rack has ended the stream, and that is to be told after what is pending.
    ended: bool,
}

impl Rack {
    /// The log of a build. Nothing is sent before the first piece is asked for.
    pub fn build_log(&self, app: &AppName, id: &BuildId) -> BuildLog {
        let path = path!["apps", app, "builds", id, "logs"];
        let attachment = ReconnectingSocket::new(self.client.clone(), path);
        BuildLog { attachment, replay: LogResumer::default(), pending: None, ended: false }
    }
}

/// The stored log could not be joined with the live one.
const SHOWN_AGAIN: &str =
    "the build's log was interrupted and differs now; it follows from its start";

impl BuildLog {
    /// Tells whether the log is attached, while somebody waits for its next piece.
    pub fn attached(&self) -> Attached {
        self.attachment.attached()
    }

    /// The next piece. After [`LogEvent::Ended`] it attaches again: the end of the stream says nothing
    /// about the build. Safe to drop while waiting.
    ///
    /// # Errors
    /// [`LogError`] where the rack refuses, or cannot be reached within the retry budget.
    pub async fn next(&mut self) -> Result<LogEvent, LogError> {
        loop {
            if let Some(text) = self.pending.take() {
                return Ok(LogEvent::Text(text));
            }
            if std::mem::take(&mut self.ended) {
                return Ok(LogEvent::Ended);
            }
            if !self.attachment.is_open() {
                if self.attachment.should_give_up() {
                    return Err(self.attachment.given_up().into());
                }
                self.attachment.open(Vec::new).await?;
                self.replay.again();
            }
            let joined = match self.step().await {
                Step::SocketEvent(SocketEvent::Data(data)) => self.replay.feed(data),
                Step::SocketEvent(SocketEvent::Cut) => continue,
                Step::SocketEvent(SocketEvent::Refused(words)) if words.starts_with(NOT_YET) => {
                    return Ok(LogEvent::NotYet(words));
                }
                Step::SocketEvent(SocketEvent::Refused(words)) => {
                    return Err(LogError::Refused(words));
                }
                Step::SocketEvent(SocketEvent::End) => {
                    self.ended = true;
                    self.replay.end()
                }
                Step::Quiet => self.replay.quiet(),
            };
            if let Some(piece) = self.piece(joined) {
                return Ok(piece);
            }
        }
    }

    /// The socket's next thing, or that a log which has to be searched has gone quiet.
    async fn step(&mut self) -> Step {
        if !self.replay.is_searched() {
            return Step::SocketEvent(self.attachment.next().await);
        }
        match tokio::time::timeout(QUIET, self.attachment.next()).await {
            Ok(got) => Step::SocketEvent(got),
            Err(_) => Step::Quiet,
        }
    }

    fn piece(&mut self, joined: Resumed) -> Option<LogEvent> {
        match joined {
            Resumed::NotYet => None,
            Resumed::Here(text) => Some(LogEvent::Text(text)),
            Resumed::Whole(text) => {
                self.pending = Some(text);
                Some(LogEvent::Resumed(SHOWN_AGAIN))
            }
        }
    }
}

enum Step {
    SocketEvent(SocketEvent),
    Quiet,
}
