//! Requests and sockets to a rack, and the one policy for what goes wrong on the way.
//!
//! # The policy
//! - **Time limits** ([`Limits`]): connecting 10 s; 60 s without progress while a body moves; the
//!   answer to a read within 60 s, to a change or an upload within 15 min; none on a whole body.
//! - **What may be repeated** ([`Repeat`]) is said on each call: GET, HEAD, PUT, DELETE, and uploads
//!   by a key of our choice. They are repeated on connection errors, 429 (its `Retry-After` is
//!   honoured), 502, 503 and 504, with exponential backoff and jitter, for 60 s; for 5 s while the
//!   rack has not answered once; never after a refused certificate.
//! - **What may not** (a build, a release, a promote) is repeated only if it certainly never left.
//!   After a lost answer, a 429, 502, 503 or 504 the caller's look decides: what it finds is taken
//!   for the answer, and only if 15 s of looking show nothing is the request sent again.
//! - **A 500 is an answer**, as is any other 4xx: they end the command.
//! - **TLS** is verified, always ([`Trust`]). Proxies come from the environment, except that a
//!   rack on the loopback interface is never asked through one.
//!
//! Limits are settings. Nothing here knows apps or builds, or the shape of any JSON.

mod body;
mod client;
mod download;
mod error;
mod event;
pub mod frames;
mod halves;
mod path;
mod probe;
mod reconcile;
mod redactor;
mod request;
mod response;
mod retry;
mod send;
mod session;
mod socket;
mod tls;
mod upload;

pub use body::Upload;
pub use client::{Client, Endpoint, Options};
pub use download::Download;
pub use error::{Cause, Error, Source};
pub use event::{Event, Listener};
pub use halves::{SocketReceiver, SocketSender};
pub use path::Path;
pub use probe::probe_certificate;
pub use reconcile::Reconciled;
pub use request::{Repeat, Request, RequestLine};
pub use response::Response;
pub(crate) use response::no_message;
pub use session::SessionSink;
pub use socket::{CloseReason, Headers, Socket};
pub use tls::{CertificateProblem, PinnedBy, Trust};
pub use upload::{FileUpload, ReaderUpload};

pub use crate::fingerprint::Fingerprint;
pub use crate::limits::Limits;
