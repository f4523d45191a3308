//! Waiting for a condition, for as long as a busy machine may take.

use std::time::{Duration, Instant};

/// Far above what anything takes: a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The time between two checks of a condition.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `check` returns something; panics, naming `what`, after [`PATIENCE`].
pub fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        // A little longer, so that a check can have a limit of its own.
        assert!(started.elapsed() < PATIENCE + 10 * PAUSE, "waited in vain for {what}");
        pause();
    }
}

#[allow(clippy::disallowed_methods)] // between two checks of a condition
fn pause() {
    std::thread::sleep(PAUSE);
}
