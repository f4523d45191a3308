//! Why a request failed: what was requested, what the rack responded, what the network did.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::proxy::InvalidProxy;
use super::second_factor::FactorError;
use super::tls::CertificateProblem;
use super::{RequestLine, tls};

/// The error below an [`Error`], for diagnostics. Messages already name the cause.
pub type Source = Arc<dyn StdError + Send + Sync>;

/// A request that did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rack responded with a status of 300 or more. The message is the rack's own.
    #[error("{message}")]
    Status {
        /// Method and path.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// The rack's message, or `response status N` if the body has none.
        message: String,
        /// The delay that the rack asks for (RFC 9110, 10.2.3).
        retry_after: Option<Duration>,
        /// The `WWW-Authenticate` header, which consoles use to ask for a session.
        challenge: Option<String>,
    },
    /// The rack, or a proxy in front of it, responded with 413: the request body is too large.
    #[error("{message}")]
    TooLarge {
        /// Method and path.
        request: RequestLine,
        /// The message of the response, or our own if it has none.
        message: String,
        /// The size of the body in bytes, if known.
        size: Option<u64>,
        /// The `Server` header, which often names the proxy.
        server: Option<String>,
    },
    /// The rack could not be reached, or the connection broke.
    #[error("can't reach the rack at {address}: {cause}")]
    Unreachable {
        /// Method and path.
        request: RequestLine,
        /// Host and port, or the path of a Unix-domain socket.
        address: String,
        /// What happened.
        cause: Cause,
        /// Whether the rack may have received the request.
        sent: bool,
        /// The HTTP library's error, if it reported one.
        #[source]
        source: Option<Source>,
    },
    /// The proxy before the rack could not be reached, or refused to connect to the rack.
    #[error("can't reach the rack through the proxy {proxy} ({variable}): {cause}")]
    Proxy {
        /// Method and path.
        request: RequestLine,
        /// Host and port of the proxy.
        proxy: String,
        /// The environment variable that names it.
        variable: &'static str,
        /// What happened.
        cause: Box<ProxyCause>,
        /// The HTTP library's error, if it reported one.
        #[source]
        source: Option<Source>,
    },
    /// The rack's certificate is not trusted.
    #[error(transparent)]
    Certificate(#[from] CertificateProblem),
    /// The response is not what the route promises.
    #[error("invalid response to {request}: {problem}")]
    InvalidResponse {
        /// Method and path.
        request: RequestLine,
        /// What is wrong, with an excerpt of the response unless it may hold secrets.
        problem: String,
    },
    /// The request body could not be read.
    #[error("{message}")]
    Body {
        /// The message of the body's source.
        message: String,
        /// The error that the body's stream reported.
        #[source]
        source: Source,
    },
    /// A websocket handshake was refused.
    #[error("websocket: bad handshake: {request}: {message}")]
    Handshake {
        /// Method and path.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// The rack's message.
        message: String,
        /// The delay that the rack asks for.
        retry_after: Option<Duration>,
    },
    /// The console requires a session and did not give one.
    #[error(transparent)]
    NoSession(Box<Self>),
    /// The console requires a second factor, and got none that it accepts. Always inside of
    /// [`Error::NoSession`].
    #[error("{address} requires a second factor: {cause}")]
    SecondFactor {
        /// The host, with its port if its URL has one.
        address: String,
        /// Why there is none.
        cause: FactorError,
    },
    /// The console refuses the session that it has just given. Always inside of
    /// [`Error::NoSession`].
    #[error("{address} refuses the session that it has just given")]
    SessionRefused {
        /// The host, with its port if its URL has one.
        address: String,
    },
    /// The response to a change was lost, and it could not be found out whether it took effect.
    #[error("{error}; it is unknown whether {request} took effect")]
    OutcomeUnknown {
        /// Method and path.
        request: RequestLine,
        /// How the response was lost.
        #[source]
        error: Box<Self>,
    },
    /// The response to a change was lost, and several objects could be its result.
    #[error("{0}")]
    Ambiguous(String),
    /// The client could not be set up, or the request could not be built.
    #[error("{0}")]
    Config(String),
}

/// What the network did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Nothing listens at the address.
    #[error("connection refused")]
    ConnectionRefused,
    /// The host name has no address.
    #[error("the name does not resolve ({0})")]
    Dns(String),
    /// TLS failed, other than by an untrusted certificate.
    #[error("TLS failed ({0})")]
    Tls(String),
    /// A time limit passed.
    #[error("timed out {0}")]
    Timeout(&'static str),
    /// The connection ended before the response did.
    #[error("the connection was cut ({0})")]
    Cut(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why a proxy could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyCause {
    /// The proxy requires a user and a password, or other ones.
    #[error("it requires other credentials")]
    Unauthorized,
    /// The proxy did not connect to the rack.
    #[error("it refused to connect to the rack")]
    Refused,
    /// The proxy could not be reached.
    #[error("{0}")]
    Network(Cause),
}

impl From<InvalidProxy> for Error {
    fn from(error: InvalidProxy) -> Self {
        Self::Config(error.to_string())
    }
}

impl Error {
    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } | Self::Handshake { status, .. } => Some(*status),
            Self::TooLarge { .. } => Some(413),
            _ => None,
        }
    }

    /// Returns whether the rack does not have the route: an empty 404. Racks that have it name the
    /// missing object.
    pub fn is_missing_route(&self) -> bool {
        match self {
            Self::Status { status: 404, message, .. } => *message == super::no_message(404),
            _ => false,
        }
    }

    /// Whether repeating the request may help: connection errors, 429, 502, 503 and 504. A 500 is
    /// the rack's own response.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } | Self::Handshake { status, .. } => {
                matches!(status, 429 | 502 | 503 | 504)
            }
            Self::Unreachable { cause, .. } => !matches!(cause, Cause::Tls(_)),
            Self::Proxy { cause, .. } => !matches!(**cause, ProxyCause::Unauthorized),
            Self::NoSession(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Returns whether a poll should go on: transient errors, any 5xx, and invalid responses.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::NoSession(error) => error.is_unavailable(),
            Self::InvalidResponse { .. } => true,
            _ => self.is_transient() || self.status().is_some_and(|status| status >= 500),
        }
    }

    /// Returns whether the login was rejected: a 401, or a session that was required and not given.
    pub fn is_login_failure(&self) -> bool {
        matches!(self, Self::NoSession(_)) || self.status() == Some(401)
    }

    /// Returns whether a console did not give the session that it requires. This is never a console
    /// that is merely away.
    pub fn is_no_session(&self) -> bool {
        matches!(self, Self::NoSession(_))
    }

    /// Returns whether the rack may have carried out the request all the same.
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } => *sent,
            Self::Status { .. } => self.is_transient(),
            _ => false,
        }
    }

    /// Returns whether the response was lost on the way, so that a change may have taken effect. A
    /// 503 says that nothing did.
    pub(crate) fn is_response_lost(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } => *sent,
            Self::Status { status, .. } => matches!(status, 502 | 504),
            _ => false,
        }
    }

    /// The delay that the rack asks for before the next request.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::Handshake { retry_after, .. } => *retry_after,
            Self::NoSession(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Returns whether the request certainly never left.
    pub(super) fn is_unsent(&self) -> bool {
        matches!(self, Self::Unreachable { sent: false, .. } | Self::Proxy { .. })
    }
}

/// What a proxy did, if an error or one of its sources is the HTTP library's about a proxy. The
/// library has no public type for it.
pub(super) fn proxy_cause_of(error: &(dyn StdError + 'static)) -> Option<ProxyCause> {
    let texts = std::iter::successors(Some(error), |error| (*error).source());
    texts.map(ToString::to_string).find_map(|text| match text.as_str() {
        "tunnel error: proxy authorization required"
        | "SOCKS error: credentials not accepted"
        | "SOCKS error: server does not support user/pass authentication" => {
            Some(ProxyCause::Unauthorized)
        }
        "tunnel error: unsuccessful" => Some(ProxyCause::Refused),
        "SOCKS error: failed to create underlying connection" => {
            Some(ProxyCause::Network(Cause::Other("it can't be reached".to_owned())))
        }
        text => text.starts_with("SOCKS error: ").then_some(ProxyCause::Refused),
    })
}

/// Finds what went wrong below HTTP in an error and its sources.
pub(super) fn cause_of(error: &(dyn StdError + 'static)) -> Cause {
    let mut innermost = error.to_string();
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(cause) = recognize(error) {
            return cause;
        }
        innermost = error.to_string();
        current = error.source();
    }
    Cause::Other(innermost)
}

fn recognize(error: &(dyn StdError + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(Cause::Tls(tls::describe(error)));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return recognize_io(error);
    }
    let text = error.to_string();
    if text.starts_with("dns error") {
        let reason = error.source().map_or(text, ToString::to_string);
        return Some(Cause::Dns(reason));
    }
    if text.contains("connection closed before message completed")
        || text.contains("IncompleteMessage")
    {
        return Some(Cause::Cut("no complete response".to_owned()));
    }
    None
}

fn recognize_io(error: &io::Error) -> Option<Cause> {
    // `source()` of an io::Error skips the error it wraps.
    if let Some(inner) = error.get_ref()
        && let Some(cause) = recognize(inner)
    {
        return Some(cause);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Cause::ConnectionRefused),
        io::ErrorKind::TimedOut => Some(Cause::Timeout("waiting for the network")),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(Cause::Cut(error.to_string())),
        _ => None,
    }
}
