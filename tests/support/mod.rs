//! What end-to-end tests are told with: a [`Story`] has its own home, working folder and
//! development rack, runs the real binary, and compares what it prints with a transcript.

#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)] // each test binary uses a part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

mod http;
mod mock_server;
mod output;
mod rack;
mod redactions;
mod screen;
mod shell;
mod story;
mod terminal;
mod waiting;

pub use http::{Answered, request};
pub use mock_server::{MockServer, Request, Response, ordinary};
pub use output::Output;
pub use rack::{PASSWORD, TestRack, rack_options};
pub use redactions::Redactions;
pub use screen::screen;
pub use shell::Shell;
pub use story::{Running, Story, is_root};
pub use terminal::Terminal;
pub use waiting::{PATIENCE, until};
