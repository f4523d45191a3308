//! A typed client for Convox racks.

pub mod fingerprint;
pub mod limits;
pub mod rack;
pub mod rack_url;
pub mod secret;
pub mod transport;
pub mod wait;

pub use rack_url::RackUrl;
