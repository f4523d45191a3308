//! The speed of a transfer and the time that it still takes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::humanize::{minutes, size};

/// The time over which the speed is measured.
const WINDOW: Duration = Duration::from_secs(10);
/// The time between two samples.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// The speed of a transfer, measured over the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Speed {
    samples: VecDeque<(Instant, u64)>,
}

impl Speed {
    /// Records the number of bytes done. A transfer that starts again is measured anew.
    pub(crate) fn sample(&mut self, done: u64, now: Instant) {
        if self.samples.back().is_some_and(|(_, before)| done < *before) {
            self.samples.clear();
        }
        let is_recent =
            |(then, _): &(Instant, u64)| now.saturating_duration_since(*then) < SAMPLE_EVERY;
        // The newest sample is replaced until it is old enough to be kept.
        if self.samples.len() > 1 && self.samples.iter().rev().nth(1).is_some_and(is_recent) {
            self.samples.pop_back();
        }
        self.samples.push_back((now, done));
        while self.samples.len() > 2
            && self
                .samples
                .get(1)
                .is_some_and(|(then, _)| now.saturating_duration_since(*then) >= WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Returns the speed and the time that the bytes left will take, for example
    /// `4.20 MB/s, 1m5s left`. `None` while nothing is known.
    pub(crate) fn text(&self, left: u64) -> Option<String> {
        let ((then, from), (now, to)) = (self.samples.front()?, self.samples.back()?);
        let millis = u64::try_from(now.saturating_duration_since(*then).as_millis()).ok()?;
        let per_second = (to - from).saturating_mul(1000).checked_div(millis)?;
        let speed = format!("{}/s", size(per_second));
        match left.checked_div(per_second) {
            Some(seconds) => Some(format!("{speed}, {} left", minutes(seconds))),
            None => Some(speed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_measured_anew_when_a_transfer_starts_again() {
        let start = Instant::now();
        let mut speed = Speed::default();
        speed.sample(0, start);
        speed.sample(8 << 20, start + Duration::from_secs(4));
        assert_eq!(speed.text(2 << 20).as_deref(), Some("2.00 MB/s, 1s left"));
        speed.sample(0, start + Duration::from_secs(5));
        assert_eq!(speed.text(1), None);
        speed.sample(0, start + Duration::from_secs(6));
        assert_eq!(speed.text(1).as_deref(), Some("0 B/s"));
        speed.sample(1 << 20, start + Duration::from_secs(7));
        assert_eq!(speed.text(1 << 20).as_deref(), Some("512.00 KB/s, 2s left"));
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let mut speed = Speed::default();
        for second in 0..100_u32 {
            let done = if second < 50 { 0 } else { u64::from(second - 50) << 20 };
            speed.sample(done, start + Duration::from_secs(second.into()));
        }
        assert_eq!(speed.text(0).as_deref(), Some("1.00 MB/s, 0s left"));
        assert!(speed.samples.len() < 30);
    }
}
