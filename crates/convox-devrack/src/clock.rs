//! Time, as the rest of the program sees it: one clock that is real, one that tests turn by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A source of the present moment. Cheap to clone; clones share a hand-turned time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Hand(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] turns it.
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Source::Hand(Arc::new(Mutex::new(start))))
    }

    /// The present moment.
    #[allow(clippy::disallowed_methods)] // the one place that may ask the system
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Hand(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Turns a hand-turned clock forward; the system's clock ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Hand(time) = &self.0 {
            *time.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// Waits for `time`. Under tokio's paused test time this takes no real time.
    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
