//! The `convox` program as a library: [`run`] turns an [`Invocation`] into an exit code.
//!
//! What is useful on its own is in crates of its own: `convox-client` (a typed client for racks),
//! `convox-wire` (the wire API as types), `convox-package` (source archives) and
//! `convox-devrack` (the development rack). This library is the command line above them.

pub mod app_archive;
pub mod input;
pub mod output;
pub mod programs;
pub mod reference;
pub mod settings;
pub mod terminal;

mod args;
mod cli;
mod commands;
mod completion;
mod context;
mod error;
mod event;
mod flows;
mod outcome;
mod run;
mod signals;

pub use convox_devrack::clock::Clock;
pub use run::{Environment, Invocation, run};
