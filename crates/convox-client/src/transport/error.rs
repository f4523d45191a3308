//! Why a request failed, as facts: what was asked, what the rack said, what the network did.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use super::RequestLine;
use super::tls::CertificateProblem;

/// A request that did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rack answered with a status of 400 or more. The text is the rack's own.
    #[error("{message}")]
    Status {
        /// What was asked.
        call: RequestLine,
        /// The HTTP status.
        status: u16,
        /// The rack's words, or `response status N` where it said none.
        message: String,
        /// How long the rack asks to wait (RFC 9110, 10.2.3).
        retry_after: Option<Duration>,
        /// The `WWW-Authenticate` header, which consoles use to ask for a session.
        challenge: Option<String>,
    },
    /// The rack could not be reached, or the connection broke.
    #[error("can't reach the rack at {address}: {cause}")]
    Unreachable {
        /// What was asked.
        call: RequestLine,
        /// Host and port.
        address: String,
        /// What happened.
        cause: Cause,
        /// Can the rack have seen the request?
        sent: bool,
    },
    /// The rack's certificate is not to be trusted.
    #[error("{0}")]
    Certificate(#[from] CertificateProblem),
    /// The answer is not what the route promises.
    #[error("the rack's answer to {call} is not valid: {problem}")]
    InvalidResponse {
        /// What was asked.
        call: RequestLine,
        /// What is wrong, with the beginning of the answer.
        problem: String,
    },
    /// The body that was to be sent could not be read.
    #[error("{0}")]
    Source(String),
    /// A socket was refused before it was one.
    #[error("websocket: bad handshake: {call}: {message}")]
    Handshake {
        /// What was asked.
        call: RequestLine,
        /// The HTTP status.
        status: u16,
        /// The answer's text.
        message: String,
        /// How long the rack asks to wait.
        retry_after: Option<Duration>,
    },
    /// The console wants a session and gives none: it answers nothing to this login.
    #[error("{0}")]
    NoSession(Box<Self>),
    /// An answer was lost, and what the rack has made of the request cannot be told.
    #[error("{error}; what became of {call} is not known")]
    OutcomeUnknown {
        /// What was asked.
        call: RequestLine,
        /// How its answer was lost.
        error: Box<Self>,
    },
    /// An answer was lost, and several things could be what the request has made.
    #[error("{0}")]
    Ambiguous(String),
    /// The client itself could not be set up.
    #[error("{0}")]
    Config(String),
}

/// What the network did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The name has no address.
    #[error("the name does not resolve ({0})")]
    Dns(String),
    /// TLS failed, other than by an untrusted certificate.
    #[error("TLS failed ({0})")]
    Tls(String),
    /// Nothing came for as long as the limit allows.
    #[error("timed out {0}")]
    Timeout(&'static str),
    /// The connection ended before the answer did.
    #[error("the connection was cut ({0})")]
    Cut(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } | Self::Handshake { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Will it pass? Connection errors, 429, 502, 503 and 504. A 500 is the rack's own answer.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } | Self::Handshake { status, .. } => {
                matches!(status, 429 | 502 | 503 | 504)
            }
            Self::Unreachable { cause, .. } => !matches!(cause, Cause::Tls(_)),
            Self::NoSession(error) => error.is_transient(),
            _ => false,
        }
    }

    /// In a poll: is the rack away for the moment? Any 5xx counts, and a garbled answer.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::NoSession(error) => error.is_unavailable(),
            Self::InvalidResponse { .. } => true,
            _ => self.is_transient() || self.status().is_some_and(|status| status >= 500),
        }
    }

    /// Is it the login that is not accepted? A 401, and a session that is wanted and not given.
    pub fn is_login(&self) -> bool {
        matches!(self, Self::NoSession(_)) || self.status() == Some(401)
    }

    /// May the rack have carried out the request all the same?
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } => *sent,
            Self::Status { .. } => self.is_transient(),
            _ => false,
        }
    }

    /// How long the rack asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::Handshake { retry_after, .. } => *retry_after,
            Self::NoSession(error) => error.retry_after(),
            _ => None,
        }
    }

    /// The request never left: the name did not resolve, or nobody listened.
    pub(super) fn is_unsent(&self) -> bool {
        matches!(self, Self::Unreachable { sent: false, .. })
    }
}

/// What went wrong below HTTP, read from an error and its sources.
pub(super) fn cause_of(error: &(dyn StdError + 'static)) -> Cause {
    let mut innermost = error.to_string();
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(cause) = known(error) {
            return cause;
        }
        innermost = error.to_string();
        current = error.source();
    }
    Cause::Other(innermost)
}

fn known(error: &(dyn StdError + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(Cause::Tls(error.to_string()));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // An io::Error's source is that of what it carries: this is the way to the thing itself.
        if let Some(inner) = error.get_ref()
            && let Some(cause) = known(inner)
        {
            return Some(cause);
        }
        return match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Cause::Refused),
            io::ErrorKind::TimedOut => Some(Cause::Timeout("waiting for the network")),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Some(Cause::Cut(error.to_string())),
            _ => None,
        };
    }
    let text = error.to_string();
    if text.starts_with("dns error") {
        let reason = error.source().map_or(text, ToString::to_string);
        return Some(Cause::Dns(reason));
    }
    if text.contains("connection closed before message completed")
        || text.contains("IncompleteMessage")
    {
        return Some(Cause::Cut("no complete answer".to_owned()));
    }
    None
}
