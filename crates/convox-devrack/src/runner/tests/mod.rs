//! Tests of the runner with small real processes.

mod failures;
mod orphans;
mod promotes;
mod restarts;
mod scaling;
pub(crate) mod support;
