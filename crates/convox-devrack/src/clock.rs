//! The source of time: the system's clock, or one that tests advance explicitly.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// The longest sleep on the system's clock, which may be set, and goes on while the machine sleeps.
const MAX_SLEEP: Duration = Duration::from_secs(10);

/// A clock. Cheap to clone; clones of a manual clock share its time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<watch::Sender<DateTime<Utc>>>),
}

impl Clock {
    /// Returns the system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a clock that stands at `start` until [`Clock::advance`] is called.
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// Returns the current time.
    #[allow(clippy::disallowed_methods)] // the one place that may ask the system
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Advances a manual clock. Has no effect on the system's clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(time) = &self.0 {
            time.send_modify(|time| *time += by);
        }
    }

    /// Waits until this clock shows `time`.
    pub(crate) async fn sleep_until(&self, time: DateTime<Utc>) {
        match &self.0 {
            Source::System => {
                while let Ok(left) = (time - self.now()).to_std()
                    && !left.is_zero()
                {
                    tokio::time::sleep(left.min(MAX_SLEEP)).await;
                }
            }
            Source::Manual(shown) => {
                // The sender lives in this clock, so the channel is never closed.
                let _ = shown.subscribe().wait_for(|shown| *shown >= time).await;
            }
        }
    }

    /// Sleeps for `time`. Completes immediately under tokio's paused time.
    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
