//! Human-readable times and sizes, worded as by other Convox clients.

use chrono::{DateTime, Utc};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// A month has 30 days and a year 12 months, as in other clients: scripts parse these words.
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 12 * MONTH;
/// From here on a time reads as `2 years`.
const A_YEAR_AND_A_HALF: u64 = 18 * MONTH;
const TWO_YEARS: u64 = 2 * YEAR;
const LONG: u64 = 37 * YEAR;

/// Returns how long ago `then` was, for example `2 minutes ago`, `3 days from now` or `now`. Empty
/// if `then` is `None`.
pub fn ago(now: DateTime<Utc>, then: impl Into<Option<DateTime<Utc>>>) -> String {
    let Some(then) = then.into() else { return String::new() };
    let seconds = (now - then).num_seconds();
    let direction = if seconds < 0 { "from now" } else { "ago" };
    match span(seconds.unsigned_abs()) {
        Some(span) => format!("{span} {direction}"),
        None => "now".to_owned(),
    }
}

/// Returns a span in its largest unit; `None` below a second.
fn span(seconds: u64) -> Option<String> {
    let words = match seconds {
        0 => return None,
        1 => "1 second".to_owned(),
        2..MINUTE => format!("{seconds} seconds"),
        MINUTE..HOUR => counted(seconds / MINUTE, "minute"),
        HOUR..DAY => counted(seconds / HOUR, "hour"),
        DAY..WEEK => counted(seconds / DAY, "day"),
        WEEK..MONTH => counted(seconds / WEEK, "week"),
        MONTH..YEAR => counted(seconds / MONTH, "month"),
        YEAR..A_YEAR_AND_A_HALF => "1 year".to_owned(),
        A_YEAR_AND_A_HALF..TWO_YEARS => "2 years".to_owned(),
        TWO_YEARS..LONG => format!("{} years", seconds / YEAR),
        _ => "a long while".to_owned(),
    };
    Some(words)
}

/// Returns a number with its unit, which gets an `s` unless the number is 1.
pub fn counted(count: u64, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// Returns how long something took: `23s`, `1m5s`, `75m3s` (never hours). Empty unless both times
/// are known.
pub fn elapsed(
    started: impl Into<Option<DateTime<Utc>>>,
    ended: impl Into<Option<DateTime<Utc>>>,
) -> String {
    match (started.into(), ended.into()) {
        (Some(started), Some(ended)) => {
            minutes((ended - started).num_seconds().max(0).unsigned_abs())
        }
        _ => String::new(),
    }
}

/// Formats seconds as `23s` or `1m5s`.
pub fn minutes(seconds: u64) -> String {
    match seconds {
        ..MINUTE => format!("{seconds}s"),
        _ => format!("{}m{}s", seconds / MINUTE, seconds % MINUTE),
    }
}

/// Formats a number of bytes in units of 1024: `812 B`, `1.68 KB`, `2.00 GB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut hundredths = 0;
    for (power, unit) in (1_u32..).zip(UNITS) {
        let one = 1_u128 << (10 * power);
        hundredths = (u128::from(bytes) * 100 + one / 2) / one;
        // A value that rounds up to 1024.00 is shown in the next unit.
        if hundredths < 102_400 {
            return format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100);
        }
    }
    format!("{}.{:02} EB", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn now() -> DateTime<Utc> {
        "2026-02-11T10:20:30Z".parse().unwrap()
    }

    #[test]
    fn times_are_worded_correctly_around_each_threshold() {
        for (seconds, words) in [
            (1, "1 second ago"),
            (2, "2 seconds ago"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (2 * MINUTE - 1, "1 minute ago"),
            (2 * MINUTE, "2 minutes ago"),
            (HOUR - 1, "59 minutes ago"),
            (2 * HOUR - 1, "1 hour ago"),
            (DAY - 1, "23 hours ago"),
            (2 * DAY - 1, "1 day ago"),
            (7 * DAY - 1, "6 days ago"),
            (14 * DAY - 1, "1 week ago"),
            (14 * DAY, "2 weeks ago"),
            (30 * DAY - 1, "4 weeks ago"),
            (60 * DAY - 1, "1 month ago"),
            (60 * DAY, "2 months ago"),
            (360 * DAY - 1, "11 months ago"),
            (360 * DAY, "1 year ago"),
            (540 * DAY - 1, "1 year ago"),
            (540 * DAY, "2 years ago"),
            (720 * DAY - 1, "2 years ago"),
            (720 * DAY, "2 years ago"),
            (1080 * DAY, "3 years ago"),
            (13320 * DAY - 1, "36 years ago"),
            (13320 * DAY, "a long while ago"),
        ] {
            let then = now() - TimeDelta::seconds(seconds.cast_signed());
            assert_eq!(ago(now(), then), words, "{seconds}");
        }
    }

    #[test]
    fn times_below_a_second_read_now_and_later_ones_from_now() {
        assert_eq!(ago(now(), now()), "now");
        assert_eq!(ago(now(), now() - TimeDelta::milliseconds(999)), "now");
        assert_eq!(ago(now(), now() + TimeDelta::milliseconds(999)), "now");
        assert_eq!(ago(now(), now() + TimeDelta::seconds(90)), "1 minute from now");
        assert_eq!(ago(now(), None), "");
    }

    #[test]
    fn elapsed_times_are_in_minutes_and_seconds() {
        for (seconds, words) in
            [(0, "0s"), (59, "59s"), (65, "1m5s"), (4503, "75m3s"), (3700, "61m40s"), (-5, "0s")]
        {
            assert_eq!(elapsed(now(), now() + TimeDelta::seconds(seconds)), words);
        }
        assert_eq!(elapsed(now(), None), "");
        assert_eq!(elapsed(None, now()), "");
    }

    #[test]
    fn sizes_have_two_decimals_from_one_kilobyte_on() {
        for (bytes, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KB"),
            (1720, "1.68 KB"),
            (1_048_575, "1.00 MB"),
            (1_048_576, "1.00 MB"),
            (5 << 30, "5.00 GB"),
            (u64::MAX, "16.00 EB"),
        ] {
            assert_eq!(size(bytes), words);
        }
    }

    proptest! {
        #[test]
        fn any_two_times_are_worded(one: i64, two: i64) {
            let time = |seconds: i64| DateTime::from_timestamp(seconds % 8_000_000_000_000, 0);
            let (one, two) = (time(one).unwrap(), time(two).unwrap());
            let words = ago(one, two);
            let good = regex::Regex::new(
                "^(now|(1 (second|minute|hour|day|week|month|year)|\\d+ (seconds|minutes|hours|days|weeks|months|years)|a long while) (ago|from now))$",
            );
            prop_assert!(good.unwrap().is_match(&words), "{}", words);
            prop_assert_eq!(words.contains("from now"), two > one);
        }

        #[test]
        fn sizes_are_rounded_and_never_reach_1024_of_a_unit(bytes: u64) {
            let words = size(bytes);
            let (number, unit) = words.split_once(' ').unwrap();
            let number: f64 = number.parse().unwrap();
            let power = ["B", "KB", "MB", "GB", "TB", "PB", "EB"].iter().position(|u| *u == unit);
            let scale = 1024_f64.powi(i32::try_from(power.unwrap()).unwrap());
            #[allow(clippy::cast_precision_loss)]
            let bytes = bytes as f64;
            prop_assert!(number < 1024.0);
            prop_assert!((number * scale - bytes).abs() <= scale * 0.0051, "{}", words);
        }
    }
}
