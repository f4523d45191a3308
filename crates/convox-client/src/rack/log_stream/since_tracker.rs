//! Computes the `Since` option of an app's log.
//!
//! `Since` counts back from the rack's time when it receives the request, so it is computed anew
//! for each attempt.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use convox_wire::duration::SignedGoDuration;

/// Added to the age of the last line: racks store lines late, and clocks differ. A handshake that
/// takes no longer than this loses no lines either.
const MARGIN: Duration = Duration::from_secs(5);
/// The racks' default.
const DEFAULT_SINCE: TimeDelta = TimeDelta::seconds(120);
/// The largest value that racks can read.
const MAX_SINCE: TimeDelta = TimeDelta::nanoseconds(i64::MAX);

/// A time on both of this machine's clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockReading {
    pub(super) wall: SystemTime,
    pub(super) monotonic: Instant,
}

impl ClockReading {
    pub(super) fn now() -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now() }
    }

    /// The time from `earlier` to this. The monotonic clock stands still while the machine sleeps.
    fn since(self, earlier: Self) -> Duration {
        let monotonic = self.monotonic.saturating_duration_since(earlier.monotonic);
        self.wall.duration_since(earlier.wall).unwrap_or_default().max(monotonic)
    }
}

/// Tracks where the log was requested to begin, and from where on its lines are missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct SinceTracker {
    /// The `Since` that was asked for.
    requested: TimeDelta,
    /// When the log was first requested: as long as no line was shown, all since then are missing.
    first_asked: ClockReading,
    /// The rack's time at some local time.
    clock: Option<(DateTime<Utc>, ClockReading)>,
    /// The time of the newest line shown.
    newest: Option<DateTime<Utc>>,
    /// By how much handshakes exceed the margin.
    slow_by: Duration,
}

impl SinceTracker {
    pub(super) fn new(requested: Option<SignedGoDuration>, first_asked: ClockReading) -> Self {
        let requested = requested.map_or(DEFAULT_SINCE, |since| since.0);
        Self { requested, first_asked, clock: None, newest: None, slow_by: Duration::ZERO }
    }

    /// Sets the time of the newest line shown.
    pub(super) fn set_newest(&mut self, newest: Option<DateTime<Utc>>) {
        self.newest = newest;
    }

    /// Notes that a handshake of this length opened a socket at this time of the rack's. Returns
    /// whether the socket delivers all missing lines; if not, the next one begins earlier.
    pub(super) fn opened(
        &mut self,
        rack: DateTime<Utc>,
        now: ClockReading,
        slow_by: Duration,
    ) -> bool {
        self.clock = Some((rack, now));
        let in_time = slow_by <= self.slow_by + MARGIN;
        self.slow_by = self.slow_by.max(slow_by.saturating_sub(MARGIN));
        in_time
    }

    /// The `Since` to request now; `None` if it is what was asked for.
    pub(super) fn since(&self, now: ClockReading) -> Option<SignedGoDuration> {
        let wanted = match (self.newest, self.clock) {
            (Some(newest), Some((rack, then))) => age(newest, rack + to_delta(now.since(then))),
            _ => self.requested + to_delta(now.since(self.first_asked)),
        };
        let back = wanted + to_delta(self.slow_by);
        if self.newest.is_none() && back < self.requested + TimeDelta::seconds(1) {
            return None;
        }
        Some(SignedGoDuration(TimeDelta::seconds(back.num_seconds() + 1).min(MAX_SINCE)))
    }
}

/// The age of a line, with the margin.
fn age(time: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    (now - time).max(TimeDelta::zero()) + to_delta(MARGIN)
}

fn to_delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(MAX_SINCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn later(moment: ClockReading, seconds: u32) -> ClockReading {
        let ClockReading { wall, monotonic } = moment;
        ClockReading { wall: wall + SECOND * seconds, monotonic: monotonic + SECOND * seconds }
    }

    fn rack(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn seconds(start: &SinceTracker, now: ClockReading) -> Option<i64> {
        start.since(now).map(|since| since.0.num_seconds())
    }

    #[test]
    fn what_was_wished_is_asked_for_first_and_the_time_since_is_added() {
        let first_asked = ClockReading::now();
        let start = SinceTracker::new(Some(SignedGoDuration(TimeDelta::seconds(5))), first_asked);
        assert_eq!(seconds(&start, first_asked), None);
        assert_eq!(seconds(&start, later(first_asked, 30)), Some(36));
        let usual = SinceTracker::new(None, first_asked);
        assert_eq!(seconds(&usual, later(first_asked, 30)), Some(151));
    }

    #[test]
    fn sockets_that_show_nothing_leave_the_beginning_where_it_was() {
        let first_asked = ClockReading::now();
        let mut start =
            SinceTracker::new(Some(SignedGoDuration(TimeDelta::seconds(5))), first_asked);
        for opened in [1, 10, 20] {
            assert!(start.opened(rack(i64::from(opened)), later(first_asked, opened), SECOND));
        }
        assert_eq!(seconds(&start, later(first_asked, 30)), Some(36));
    }

    #[test]
    fn each_try_after_a_cut_begins_at_the_last_line_shown() {
        let first_asked = ClockReading::now();
        let mut start = SinceTracker::new(None, first_asked);
        assert!(start.opened(rack(0), first_asked, SECOND));
        start.set_newest(Some(rack(-20)));
        assert_eq!(seconds(&start, later(first_asked, 1)), Some(27));
        // An hour later, with the last minute missing.
        start.set_newest(Some(rack(3540)));
        assert_eq!(seconds(&start, later(first_asked, 3600)), Some(66));
        assert_eq!(seconds(&start, later(first_asked, 3640)), Some(106));
    }

    #[test]
    fn a_machine_that_slept_has_missed_that_time() {
        let first_asked = ClockReading::now();
        let mut start = SinceTracker::new(None, first_asked);
        start.opened(rack(0), first_asked, SECOND);
        start.set_newest(Some(rack(0)));
        let woken = ClockReading {
            wall: first_asked.wall + SECOND * 600,
            monotonic: first_asked.monotonic + SECOND,
        };
        assert_eq!(seconds(&start, woken), Some(606));
    }

    #[test]
    fn a_handshake_that_takes_longer_than_the_margin_is_made_up_for() {
        let first_asked = ClockReading::now();
        let mut start = SinceTracker::new(None, first_asked);
        start.opened(rack(0), first_asked, SECOND);
        start.set_newest(Some(rack(0)));
        assert!(!start.opened(rack(20), later(first_asked, 20), SECOND * 20));
        assert_eq!(seconds(&start, later(first_asked, 20)), Some(41));
        assert!(start.opened(rack(40), later(first_asked, 40), SECOND * 20));
    }

    #[test]
    fn a_time_that_no_rack_could_read_is_not_sent() {
        let first_asked = ClockReading::now();
        let start = SinceTracker::new(Some(SignedGoDuration(MAX_SINCE)), first_asked);
        assert_eq!(start.since(later(first_asked, 9)), Some(SignedGoDuration(MAX_SINCE)));
    }
}
