//! The harness of the end-to-end tests.
//!
//! A [`Story`] runs the real program with a home directory, a working directory and a development
//! rack ([`TestRack`]) or a [`MockServer`] of its own, in pipes or in a [`Terminal`], and compares
//! what it prints with transcripts. A [`proxy`] makes requests to a rack fail.

#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)] // each test binary uses a part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

pub(crate) mod api;
pub(crate) mod app;
pub(crate) mod cli;
pub(crate) mod console;
pub(crate) mod fault;
pub(crate) mod forward;
pub(crate) mod frames;
pub(crate) mod http;
mod installed;
pub(crate) mod killable;
mod marked;
mod mock_server;
mod output;
pub(crate) mod port;
mod process;
pub(crate) mod proxy;
mod rack;
mod redactions;
mod screen;
mod shell;
mod story;
mod terminal;
pub(crate) mod tls;
pub(crate) mod upstream;
mod waiting;

pub use installed::is_installed;
pub(crate) use marked::marked;
pub use mock_server::{MockServer, Request, Response, ordinary};
pub use output::Output;
pub use process::Running;
pub use rack::{PASSWORD, TestRack, rack_options};
pub use redactions::Redactions;
pub use screen::screen;
pub use shell::Shell;
pub use story::{Story, is_root};
pub use terminal::Terminal;
pub use waiting::{PATIENCE, until};

/// Gets a path from a service on this machine.
///
/// # Errors
/// Nothing listens on the port, or the connection breaks.
pub fn get(port: u16, path: &str) -> std::io::Result<String> {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port)).into();
    let line = format!("GET {path}");
    Ok(rack::runtime().block_on(http::request(&address, &line, &[], b""))?.body)
}
