//! A rack on this machine: builds and runs apps as local processes, with no cloud account.
//!
//! [`serve`] is the rack: it speaks the wire API of v3 racks on a loopback listener and keeps
//! all its state in one folder. [`daemon`] starts it in the background, finds it again, and ends it.

mod auth;

pub mod builder;
mod builds;
pub mod clock;
pub mod daemon;
mod directories;
mod error;
pub mod gateway;
mod gc;
mod ids;
mod lifecycle;
mod logs;
pub mod manifest;
mod objects;
mod options;
mod rack;
mod releases;
mod rollouts;
mod routes;
pub mod runner;
mod serve;
mod sockets;
mod store;
mod tasks;

pub use error::RackError;
pub use rack::{Limits, RackOptions};
pub use serve::serve;
pub use store::StoreError;

#[cfg(test)]
mod tests;
