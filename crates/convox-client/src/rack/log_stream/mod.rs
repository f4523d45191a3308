//! Logs over websockets, resumed after cuts without losing or repeating lines.

mod app_log;
mod backlog;
mod build_log;
mod line_dedup;
mod reconnecting_socket;
mod resume;
mod seen_lines;
mod since_tracker;

pub use app_log::AppLog;
pub use build_log::BuildLog;
pub use reconnecting_socket::ConnectionState;

use bytes::Bytes;

use crate::rack::Refusal;
use crate::transport::Error;

/// An event of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    /// Bytes, as the rack sent them.
    Text(Bytes),
    /// The stream was cut and resumed; the text is a notice about it.
    Resumed(&'static str),
    /// The rack has ended the stream. The next call reconnects.
    Ended,
    /// There is no log yet, with the rack's message. The next call reconnects.
    NotReady(String),
}

/// Why a log cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The rack's message, sent inside the socket.
    #[error("{0}")]
    Refused(String),
    /// The socket could not be opened.
    #[error(transparent)]
    Transport(#[from] Error),
}

impl LogError {
    /// What the rack's refusal means, if the rack refused.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(message) => Some(Refusal::of(None, message)),
            Self::Transport(error) => error.refusal(),
        }
    }

    /// Returns whether another attempt may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Transport(error) => error.is_transient(),
        }
    }
}
