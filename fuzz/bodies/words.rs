//! Times: two of them in seconds (eight bytes each), then a duration as users write it.

use chrono::{DateTime, Utc};
use convox::output::humanize;
use convox_wire::duration::GoDuration;

pub(crate) fn check(bytes: &[u8]) {
    let Some((now, rest)) = bytes.split_first_chunk::<8>() else { return };
    let Some((then, text)) = rest.split_first_chunk::<8>() else { return };
    let (now, then) = (i64::from_le_bytes(*now), i64::from_le_bytes(*then));
    check_numbers(now.unsigned_abs());
    if let (Some(now), Some(then)) = (moment(now), moment(then)) {
        check_moments(now, then);
    }
    check_duration(&String::from_utf8_lossy(text));
}

fn moment(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

fn check_moments(now: DateTime<Utc>, then: DateTime<Utc>) {
    let ago = humanize::ago(now, then);
    let ends = ["now", " ago", " from now"];
    assert!(ends.iter().any(|end| ago.ends_with(end)), "{ago:?}");
    assert_eq!(ago == "now", now == then);
    let elapsed = humanize::elapsed(then, now);
    assert!(elapsed.ends_with('s') && !elapsed.contains('-'), "{elapsed:?}");
    assert_eq!(humanize::ago(now, None), "");
}

fn check_numbers(number: u64) {
    let size = humanize::size(number);
    assert!(size.ends_with('B') && size.contains(' '), "{size:?}");
    assert!(humanize::minutes(number).ends_with('s'));
}

fn check_duration(text: &str) {
    let Ok(duration) = text.parse::<GoDuration>() else { return };
    let again: GoDuration = duration.to_string().parse().unwrap();
    assert_eq!(again, duration, "{text:?} is written as {duration}");
}
