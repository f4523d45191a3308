//! A rack, a proxy before it, and the program that is to survive what the proxy does.

pub(crate) mod api;
pub(crate) mod app;
pub(crate) mod carry;
pub(crate) mod cli;
pub(crate) mod fault;
pub(crate) mod frames;
pub(crate) mod http;
pub(crate) mod port;
pub(crate) mod proxy;
pub(crate) mod pty;
pub(crate) mod rack;
pub(crate) mod tls;

use std::ffi::OsString;
use std::time::Duration;

/// Far above what anything takes: what lasts this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where the commands of services are found.
#[allow(clippy::disallowed_methods)] // tests have no settings
pub(crate) fn path_variable() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}
