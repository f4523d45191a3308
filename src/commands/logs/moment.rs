//! Times as people type them: how long ago, or when.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use convox_wire::duration::SignedGoDuration;

/// A time on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// So long ago; negative in the future.
    Ago(TimeDelta),
    /// An exact time.
    At(DateTime<Utc>),
}

/// A text that is neither.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no time: give how long ago (20m, 1h30m, 1d), or when (2026-02-03T04:05:06Z)")]
pub(super) struct InvalidMoment(String);

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let ago = SignedGoDuration::parse_with_days(text).ok().map(|ago| Self::Ago(ago.0));
        let at = || DateTime::parse_from_rfc3339(text).ok().map(|at| Self::At(at.to_utc()));
        ago.or_else(at).ok_or_else(|| InvalidMoment(text.to_owned()))
    }
}

impl Moment {
    /// How long before `now` it is.
    pub(super) fn before(self, now: DateTime<Utc>) -> SignedGoDuration {
        match self {
            Self::Ago(ago) => SignedGoDuration(ago),
            // Whole seconds, as racks read them, and none too few.
            Self::At(at) => SignedGoDuration(TimeDelta::seconds((now - at).num_seconds() + 1)),
        }
    }

    /// When it is.
    pub(super) fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(ago) => now.checked_sub_signed(ago).unwrap_or(DateTime::<Utc>::MIN_UTC),
            Self::At(at) => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_relative_to_now_or_exactly() {
        let now: DateTime<Utc> = "2026-02-03T04:05:06Z".parse().unwrap();
        for (text, before, at) in [
            ("1d", "24h0m0s", "2026-02-02T04:05:06Z"),
            ("-5m", "-5m0s", "2026-02-03T04:10:06Z"),
            ("2026-02-03T04:00:00Z", "5m7s", "2026-02-03T04:00:00Z"),
            ("2026-02-03T05:00:00+01:00", "5m7s", "2026-02-03T04:00:00Z"),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.before(now).to_string(), before, "{text}");
            assert_eq!(moment.at(now), at.parse::<DateTime<Utc>>().unwrap(), "{text}");
        }
        let error = "yesterday".parse::<Moment>().unwrap_err().to_string();
        assert!(error.contains("\"yesterday\"") && error.contains("1d"), "{error}");
    }
}
