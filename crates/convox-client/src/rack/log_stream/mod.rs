//! Logs over sockets: attached, resumed after a cut, nothing lost and nothing twice.

mod app_log;
mod attach;
mod build_log;
mod lines;
mod resume;
mod start;
mod window;

pub use app_log::AppLog;
pub use attach::Attached;
pub use build_log::BuildLog;

use bytes::Bytes;

use crate::rack::Refusal;
use crate::transport::Error;

/// What comes next in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    /// Bytes, as the rack sent them.
    Text(Bytes),
    /// The stream was cut and goes on; the text says what that means for it.
    Resumed(&'static str),
    /// The rack has ended the stream. Asking again attaches again.
    Ended,
    /// There is no log yet, in the rack's words. Asking again attaches again.
    NotYet(String),
}

/// Why a log cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The rack's words, said inside the socket.
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

    /// Whether another attempt may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Transport(error) => error.is_transient(),
        }
    }
}
