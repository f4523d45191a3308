//! The runner with real small processes.

mod failures;
mod orphans;
mod promotes;
mod restarts;
pub(crate) mod support;
