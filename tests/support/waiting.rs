//! Waiting for a condition, for as long as a busy machine may take.

use std::time::{Duration, Instant};

/// Far above what anything takes: a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);

/// Looks until there is something to see; fails, naming `what`, when nothing ever is.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        pause();
    }
}

#[allow(clippy::disallowed_methods)] // between two looks at a condition
fn pause() {
    std::thread::sleep(PAUSE);
}
