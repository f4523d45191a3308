//! The crashes of a service.

use std::sync::{Arc, Mutex, PoisonError};

/// How often a service has crashed under the active release, and how the last time. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Crashes(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    count: u64,
    last: Option<String>,
}

impl Crashes {
    /// Notes how a process ended.
    pub(super) fn add(&self, how: String) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        state.last = Some(how);
    }

    /// Reports them with a process.
    pub(super) fn report(&self, process: &mut convox_wire::Process) {
        let State { count, last } = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (process.restarts, process.last_exit) = (Some(count), last);
    }
}
