//! A Convox rack for development: it builds apps and runs them as local processes, without a cloud
//! account.
//!
//! [`serve`] runs a rack in the current process. It speaks the HTTP API of v3 racks and keeps all
//! of its state in one data directory. [`daemon`] runs that rack as a background process, finds it
//! again by its data directory, and stops it. [`builder`], [`runner`] and [`gateway`] are the parts
//! that build a source, supervise processes and keep service addresses stable; each is usable
//! alone.
//!
//! # Example
//! ```no_run
//! use convox_devrack::clock::Clock;
//! use convox_devrack::runner::BaseEnvironment;
//! use convox_devrack::{Limits, RackError, RackOptions, serve};
//!
//! # async fn example() -> Result<(), RackError> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(RackError::Listen)?;
//! let options = RackOptions {
//!     data: "/tmp/rack".into(),
//!     password: "secret".into(),
//!     clock: Clock::system(),
//!     environment: BaseEnvironment {
//!         path: "/usr/bin:/bin".into(),
//!         home: "/tmp".into(),
//!         ..BaseEnvironment::default()
//!     },
//!     limits: Limits::default(),
//!     log_tap: None,
//! };
//! // Serves until the future resolves, then stops builds and apps.
//! serve(listener, options, async {
//!     tokio::signal::ctrl_c().await.ok();
//! })
//! .await
//! # }
//! ```

mod auth;

pub mod build_archive;
pub mod builder;
mod builds;
pub mod clock;
mod connections;
pub mod console;
pub mod daemon;
mod directories;
mod disk;
mod drain;
mod duplex;
mod error;
mod exec;
pub mod gateway;
mod gc;
mod ids;
mod imports;
mod lifecycle;
mod local_socket;
mod logs;
pub mod manifest;
mod objects;
mod options;
mod pipes;
mod rack;
mod releases;
mod removal;
mod resources;
mod rollouts;
mod routes;
pub mod runner;
mod scale;
mod serve;
mod sockets;
mod store;
mod tasks;
mod timers;
mod tunnel;

pub use error::RackError;
pub use logs::LogTap;
pub use rack::{Limits, RackOptions};
pub use resources::server_directories;
pub use serve::serve;
pub use store::StoreError;

#[cfg(test)]
mod tests;
