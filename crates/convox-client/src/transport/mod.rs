//! Requests and websockets to a rack, with one policy for retries and time limits.
//!
//! # Policy
//! - **Time limits** ([`Limits`]): connecting within 10 s; the response to a read within 60 s, to a
//!   change or an upload within 15 min; no more than 60 s without progress while a body is
//!   transferred; no limit on a whole body.
//! - **Safe requests** ([`Repeat::Safely`]: GET, HEAD, PUT, DELETE, and uploads to a key that the
//!   client chooses) are repeated after connection errors, 429 (respecting `Retry-After`), 502, 503
//!   and 504, with exponential backoff and jitter, for 60 s; for 5 s if the rack has never
//!   responded; never after a certificate error.
//! - **Other requests** ([`Repeat::IfUnsent`]: builds, releases, promotes) are repeated only if they
//!   certainly never left. After a lost response, a 429, 502, 503 or 504, the rack's state is
//!   searched for their result, and only if 15 s of searching find nothing is the request sent
//!   again ([`Reconciled`]).
//! - **Other statuses**, including 500, are final.
//! - **Sessions**: a console may require a session at any request. It is created, if need be with a
//!   second factor ([`Authenticator`]), and the request is sent once more.
//! - **TLS** certificates are always verified ([`Trust`]). Proxies are used, except for racks on the
//!   loopback interface.
//!
//! All limits can be changed. This module knows no routes and no JSON.

mod body;
mod client;
mod download;
mod error;
mod event;
pub mod frames;
mod halves;
mod local_socket;
mod path;
mod probe;
mod proxy;
mod reconcile;
mod redactor;
mod request;
mod response;
mod retry;
mod second_factor;
mod send;
mod session;
mod socket;
mod tls;
mod upload;

pub use body::Upload;
pub use client::{Client, Endpoint, Options};
pub use download::Download;
pub use error::{Cause, Error, ProxyCause, Source};
pub use event::{Event, Listener};
pub use halves::{SocketReceiver, SocketSender};
pub use local_socket::LocalSocket;
pub use path::Path;
pub use probe::probe_certificate;
pub use proxy::Proxies;
pub use reconcile::Reconciled;
pub use request::{Repeat, Request, RequestLine};
pub use response::Response;
pub(crate) use response::no_message;
pub use second_factor::{
    Authenticator, FactorChallenge, FactorError, SharedAuthenticator, Unattended,
};
pub use session::SessionSink;
pub use socket::{CloseReason, Headers, Socket};
pub use tls::{CertificateProblem, PinnedBy, Trust};
pub use upload::{FileUpload, ReaderUpload};

pub use crate::fingerprint::Fingerprint;
pub use crate::limits::Limits;
