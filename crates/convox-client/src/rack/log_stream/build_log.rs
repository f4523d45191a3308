use std::time::Duration;

use bytes::Bytes;

use super::reconnecting_socket::{ConnectionState, ReconnectingSocket, SocketEvent};
use super::resume::{LogResumer, Resumed};
use super::{LogError, LogEvent};
use crate::path;
use crate::rack::Rack;
use convox_wire::{AppName, BuildId};

/// Sent by v3 racks as long as a build's log does not exist yet.
const NOT_READY: &str = "unable to read logs for build";
/// A log that differs from what was shown is searched after being quiet for this long.
const QUIET: Duration = Duration::from_millis(700);

/// The log of a build (`/apps/{app}/builds/{id}/logs`; v2, v3, classic). Racks send it from its
/// start on each connection; what was shown is skipped.
pub struct BuildLog {
    socket: ReconnectingSocket,
    resumer: LogResumer,
    pending: Option<Bytes>,
    /// The rack has ended the stream, to be reported after `pending`.
    ended: bool,
}

impl Rack {
    /// Opens the log of a build. Nothing is sent before the first call of [`BuildLog::next`].
    pub fn build_log(&self, app: &AppName, id: &BuildId) -> BuildLog {
        let path = path!["apps", app, "builds", id, "logs"];
        let socket = ReconnectingSocket::new(self.client.clone(), path);
        BuildLog { socket, resumer: LogResumer::default(), pending: None, ended: false }
    }
}

/// Reported if the stored log cannot be aligned with what was shown.
const SHOWN_FROM_START: &str =
    "the build's log was interrupted and has changed; it is shown again from its start";

impl BuildLog {
    /// The state of the connection, to be watched while waiting for [`BuildLog::next`].
    pub fn state(&self) -> ConnectionState {
        self.socket.state()
    }

    /// Makes the reconnect after [`LogEvent::Ended`] an immediate one, for a log that is read once
    /// more because its build has ended.
    pub fn reconnect_at_once(&mut self) {
        self.socket.skip_pause();
    }

    /// Returns the next event. After [`LogEvent::Ended`] another call reconnects: the end of the
    /// stream does not mean that the build has ended. Cancel-safe.
    ///
    /// # Errors
    /// [`LogError`] if the rack refuses, or cannot be reached within the retry budget.
    pub async fn next(&mut self) -> Result<LogEvent, LogError> {
        loop {
            if let Some(text) = self.pending.take() {
                return Ok(LogEvent::Text(text));
            }
            if std::mem::take(&mut self.ended) {
                return Ok(LogEvent::Ended);
            }
            if !self.socket.is_open() {
                if self.socket.should_give_up() {
                    return Err(self.socket.give_up_error().into());
                }
                self.socket.open(Vec::new).await?;
                self.resumer.restart_log();
            }
            let resumed = match self.step().await {
                Step::Received(SocketEvent::Data(data)) => self.resumer.feed(data),
                Step::Received(SocketEvent::Cut) => continue,
                Step::Received(SocketEvent::Refused(message)) if message.starts_with(NOT_READY) => {
                    return Ok(LogEvent::NotReady(message));
                }
                Step::Received(SocketEvent::Refused(message)) => {
                    return Err(LogError::Refused(message));
                }
                Step::Received(SocketEvent::End) => {
                    self.ended = true;
                    self.resumer.end()
                }
                Step::Quiet => self.resumer.quiet(),
            };
            if let Some(event) = self.event(resumed) {
                return Ok(event);
            }
        }
    }

    /// Returns what the socket receives next, or that a log to be searched has gone quiet.
    async fn step(&mut self) -> Step {
        if !self.resumer.differs() {
            return Step::Received(self.socket.next().await);
        }
        match tokio::time::timeout(QUIET, self.socket.next()).await {
            Ok(event) => Step::Received(event),
            Err(_) => Step::Quiet,
        }
    }

    fn event(&mut self, resumed: Resumed) -> Option<LogEvent> {
        match resumed {
            Resumed::Nothing => None,
            Resumed::New(text) => Some(LogEvent::Text(text)),
            Resumed::Whole(text) => {
                self.pending = Some(text);
                Some(LogEvent::Resumed(SHOWN_FROM_START))
            }
        }
    }
}

enum Step {
    Received(SocketEvent),
    Quiet,
}
