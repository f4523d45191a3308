//! A typed client for Convox racks of all generations that survives bad networks.
//!
//! ```no_run
//! use convox_client::{Rack, RackUrl};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url: RackUrl = "https://convox:PASSWORD@rack.example.com".parse()?;
//! let rack = Rack::connect(&url);
//! for app in rack.apps().await? {
//!     println!("{} is {}", app.name, app.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`Rack`] has a method for each route of a rack; [`Console`] leads to the racks behind a console.
//! - Requests are repeated where that is safe, and a response that was lost is reconciled with what
//!   the rack shows: see [`transport`] for the policy and [`Options`] for its limits.
//! - [`Error::refusal`] gives the meaning of a rack's error, which racks word differently.
//! - [`wait`] polls for a condition, and bridges outages of the rack while it does.
//!
//! The types of what racks send are those of the crate `convox-wire`, which is re-exported as
//! [`wire`].

pub mod fingerprint;
pub mod limits;
pub mod rack;
pub mod rack_url;
pub mod secret;
pub mod transport;
pub mod wait;

pub use convox_wire as wire;
pub use fingerprint::Fingerprint;
pub use limits::Limits;
pub use rack::{Console, Rack, Refusal};
pub use rack_url::RackUrl;
pub use transport::{Error, Options, Proxies, Trust, probe_certificate};
