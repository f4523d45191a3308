//! A client for Convox racks, and the `convox` command-line program made from it.
//!
//! The library's public face is the typed rack client in [`rack`], the wire types in [`wire`],
//! the packaging of a source directory in [`package`], and the development rack in [`devrack`].
//! Everything else serves the program.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use convox::rack::{Client, Endpoint, Options, Rack};
//!
//! let mut endpoint = Endpoint::new("https://rack.example.com".parse()?);
//! endpoint.password = Some("secret".into());
//! let rack = Rack::new(Client::new(endpoint, Options::default()));
//! for app in rack.apps().await? {
//!     let release = app.release.as_ref().map_or("none", |release| release.as_str());
//!     let line = format!("{} ({}) runs {release}", app.name, app.status);
//! #   drop(line);
//! }
//! # Ok(())
//! # }
//! ```

pub mod clock;
pub mod devrack;
pub mod fingerprint;
pub mod limits;
pub mod output;
pub mod package;
pub mod programs;
pub mod rack;
pub mod settings;
pub mod terminal;
pub mod transport;
pub mod wait;
pub mod wire;

mod cli;
mod commands;
mod context;
mod event;
mod flows;
mod outcome;
mod run;
mod stdin;

pub use run::{Environment, Invocation, run};
