//! The runner with real small processes.

mod failures;
mod leftovers;
mod promotes;
mod restarts;
pub(crate) mod support;
