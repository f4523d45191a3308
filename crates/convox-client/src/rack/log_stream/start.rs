//! How far back an app's log is asked for.
//!
//! `Since` counts back from the rack's clock at the moment when it gets the request, so it is
//! reckoned anew for each try.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use convox_wire::duration::SignedGoDuration;

/// Taken off the time of the last line: racks file lines late, and clocks differ. A handshake that
/// takes no longer than this loses nothing either.
const MARGIN: Duration = Duration::from_secs(5);
/// How far back racks begin where they are not told.
const USUAL: TimeDelta = TimeDelta::seconds(120);
/// The most that a rack can read.
const MOST: TimeDelta = TimeDelta::nanoseconds(i64::MAX);

/// A moment on this machine's clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: SystemTime,
    pub(super) steady: Instant,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { wall: SystemTime::now(), steady: Instant::now() }
    }

    /// The time from `earlier` to this. The steady clock stands still while the machine sleeps.
    fn since(self, earlier: Self) -> Duration {
        let steady = self.steady.saturating_duration_since(earlier.steady);
        self.wall.duration_since(earlier.wall).unwrap_or_default().max(steady)
    }
}

/// Where a log begins, and from where on it is missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// How far back it was wished for.
    wished: TimeDelta,
    /// When it was first asked for: as long as nothing was shown, all since then is missing.
    asked: Moment,
    /// The rack's clock at some moment.
    clock: Option<(DateTime<Utc>, Moment)>,
    /// The time of the newest line shown.
    newest: Option<DateTime<Utc>>,
    /// What a slow handshake takes.
    delay: Duration,
}

impl Start {
    pub(super) fn new(wished: Option<SignedGoDuration>, asked: Moment) -> Self {
        let wished = wished.map_or(USUAL, |since| since.0);
        Self { wished, asked, clock: None, newest: None, delay: Duration::ZERO }
    }

    /// Lines up to this time were shown.
    pub(super) fn shown(&mut self, newest: Option<DateTime<Utc>>) {
        self.newest = newest;
    }

    /// A socket was opened by a handshake of this length, at this time of the rack's. Does all come
    /// that is missing? If not, the next one begins farther back.
    pub(super) fn opened(&mut self, rack: DateTime<Utc>, now: Moment, delay: Duration) -> bool {
        self.clock = Some((rack, now));
        let in_time = delay <= self.delay + MARGIN;
        self.delay = self.delay.max(delay.saturating_sub(MARGIN));
        in_time
    }

    /// How far back to ask for it now; `None` while that is what was wished.
    pub(super) fn since(&self, now: Moment) -> Option<SignedGoDuration> {
        let missing = match (self.newest, self.clock) {
            (Some(newest), Some((rack, then))) => age(newest, rack + span(now.since(then))),
            _ => self.wished + span(now.since(self.asked)),
        };
        let back = missing + span(self.delay);
        if self.newest.is_none() && back < self.wished + TimeDelta::seconds(1) {
            return None;
        }
        Some(SignedGoDuration(TimeDelta::seconds(back.num_seconds() + 1).min(MOST)))
    }
}

/// How old a line is, with the margin.
fn age(time: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    (now - time).max(TimeDelta::zero()) + span(MARGIN)
}

fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn later(moment: Moment, seconds: u32) -> Moment {
        let Moment { wall, steady } = moment;
        Moment { wall: wall + SECOND * seconds, steady: steady + SECOND * seconds }
    }

    fn rack(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn seconds(start: &Start, now: Moment) -> Option<i64> {
        start.since(now).map(|since| since.0.num_seconds())
    }

    #[test]
    fn what_was_wished_is_asked_for_first_and_the_time_since_is_added() {
        let asked = Moment::now();
        let start = Start::new(Some(SignedGoDuration(TimeDelta::seconds(5))), asked);
        assert_eq!(seconds(&start, asked), None);
        assert_eq!(seconds(&start, later(asked, 30)), Some(36));
        let usual = Start::new(None, asked);
        assert_eq!(seconds(&usual, later(asked, 30)), Some(151));
    }

    #[test]
    fn sockets_that_show_nothing_leave_the_beginning_where_it_was() {
        let asked = Moment::now();
        let mut start = Start::new(Some(SignedGoDuration(TimeDelta::seconds(5))), asked);
        for opened in [1, 10, 20] {
            assert!(start.opened(rack(i64::from(opened)), later(asked, opened), SECOND));
        }
        assert_eq!(seconds(&start, later(asked, 30)), Some(36));
    }

    #[test]
    fn each_try_after_a_cut_begins_at_the_last_line_shown() {
        let asked = Moment::now();
        let mut start = Start::new(None, asked);
        assert!(start.opened(rack(0), asked, SECOND));
        start.shown(Some(rack(-20)));
        assert_eq!(seconds(&start, later(asked, 1)), Some(27));
        // An hour later, of which the last minute is missing.
        start.shown(Some(rack(3540)));
        assert_eq!(seconds(&start, later(asked, 3600)), Some(66));
        assert_eq!(seconds(&start, later(asked, 3640)), Some(106));
    }

    #[test]
    fn a_machine_that_slept_has_missed_that_time() {
        let asked = Moment::now();
        let mut start = Start::new(None, asked);
        start.opened(rack(0), asked, SECOND);
        start.shown(Some(rack(0)));
        let woken = Moment { wall: asked.wall + SECOND * 600, steady: asked.steady + SECOND };
        assert_eq!(seconds(&start, woken), Some(606));
    }

    #[test]
    fn a_handshake_that_takes_longer_than_the_margin_is_made_up_for() {
        let asked = Moment::now();
        let mut start = Start::new(None, asked);
        start.opened(rack(0), asked, SECOND);
        start.shown(Some(rack(0)));
        assert!(!start.opened(rack(20), later(asked, 20), SECOND * 20));
        assert_eq!(seconds(&start, later(asked, 20)), Some(41));
        assert!(start.opened(rack(40), later(asked, 40), SECOND * 20));
    }

    #[test]
    fn a_time_that_no_rack_could_read_is_not_sent() {
        let asked = Moment::now();
        let start = Start::new(Some(SignedGoDuration(MOST)), asked);
        assert_eq!(start.since(later(asked, 9)), Some(SignedGoDuration(MOST)));
    }
}
