//! The schedules of timers: cron expressions as v3 racks take them, in UTC.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The longest time that is looked back on.
const MAX_GAP: TimeDelta = TimeDelta::days(7);

/// When a timer runs: minute, hour, day of the month, month and day of the week (0 or 7 is Sunday).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The values of a field, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    bits: u64,
    /// Whether the field is `*` or `?`.
    is_any: bool,
}

impl Schedule {
    /// Parses a cron expression of five fields, or of six with a year that is `*`, or an alias such
    /// as `@daily`. A `?` is a `*`.
    ///
    /// # Errors
    /// Returns what is wrong, as a sentence without its subject.
    pub fn parse(text: &str) -> Result<Self, String> {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == text.trim());
        let fields: Vec<&str> =
            alias.map_or(text, |(_, text)| text).split_ascii_whitespace().collect();
        let &[minutes, hours, days, months, weekdays] = (match fields.as_slice() {
            [fields @ .., "*" | "?"] if fields.len() == 5 => fields.first_chunk(),
            [_, _, _, _, _, year] => {
                return Err(format!("has the year {year}: only * is possible"));
            }
            fields if fields.len() == 5 => fields.first_chunk(),
            _ => None,
        })
        .ok_or("is not a schedule of five fields, such as \"0 3 * * *\"")?;
        let mut schedule = Self {
            minutes: Field::parse(minutes, 0..=59, &[])?,
            hours: Field::parse(hours, 0..=23, &[])?,
            days: Field::parse(days, 1..=31, &[])?,
            months: Field::parse(months, 1..=12, &MONTHS)?,
            weekdays: Field::parse(weekdays, 0..=7, &WEEKDAYS)?,
        };
        if schedule.weekdays.has(7) {
            schedule.weekdays.bits |= 1;
        }
        Ok(schedule)
    }

    /// Returns whether a time in the span after `after` and up to `until` is on the schedule. Of a
    /// longer span than a week, only the last week counts.
    pub fn was_due(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        let last = until.timestamp().div_euclid(60);
        let first = after.max(until - MAX_GAP).timestamp().div_euclid(60) + 1;
        (first..=last).any(|minute| {
            DateTime::from_timestamp(minute * 60, 0).is_some_and(|time| self.matches(time))
        })
    }

    /// Returns whether the minute of a time is on the schedule. As in cron, a day matches by either
    /// of its fields if both are given.
    fn matches(&self, time: DateTime<Utc>) -> bool {
        let day = self.days.has(time.day());
        let weekday = self.weekdays.has(time.weekday().num_days_from_sunday());
        let on_day = match self.days.is_any || self.weekdays.is_any {
            true => day && weekday,
            false => day || weekday,
        };
        let in_month = self.months.has(time.month());
        self.minutes.has(time.minute()) && self.hours.has(time.hour()) && on_day && in_month
    }
}

impl Field {
    /// Parses a list of values, ranges and steps. `names` stand for the values from the lowest on.
    fn parse(text: &str, range: RangeInclusive<u32>, names: &[&str]) -> Result<Self, String> {
        let mut bits = 0;
        for part in text.split(',') {
            let values = values(part, &range, names)
                .ok_or_else(|| format!("has an invalid field: {text:?}"))?;
            bits |= values.fold(0, |bits, value| bits | 1 << value);
        }
        Ok(Self { bits, is_any: matches!(text, "*" | "?") })
    }

    fn has(self, value: u32) -> bool {
        self.bits >> value & 1 == 1
    }
}

/// The values of one part: `*`, `5`, `1-5`, `*/10`, `1-5/2`, or `5/10`, from 5 on.
fn values(
    part: &str,
    range: &RangeInclusive<u32>,
    names: &[&str],
) -> Option<impl Iterator<Item = u32>> {
    let (span, step) = match part.split_once('/') {
        Some((span, step)) => (span, Some(number(step).filter(|step| *step > 0)?)),
        None => (part, None),
    };
    let value = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named.and_then(|at| u32::try_from(at).ok()) {
            Some(at) => range.start() + at,
            None => number(text)?,
        };
        range.contains(&value).then_some(value)
    };
    let (first, last) = match span.split_once('-') {
        _ if matches!(span, "*" | "?") => (*range.start(), *range.end()),
        Some((first, last)) => (value(first)?, value(last)?),
        None if step.is_some() => (value(span)?, *range.end()),
        None => (value(span)?, value(span)?),
    };
    (first <= last).then(|| (first..=last).step_by(step.map_or(1, |step| step as usize)))
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> DateTime<Utc> {
        format!("{text}:00Z").parse().unwrap()
    }

    fn matches(schedule: &str, at: &str) -> bool {
        Schedule::parse(schedule).unwrap().matches(time(at))
    }

    #[test]
    fn a_schedule_matches_the_minutes_that_it_names() {
        // 2026-06-01 is a Monday.
        for (schedule, at, expected) in [
            ("0 3 * * ? *", "2026-06-01T03:00", true),
            ("0 3 * * ? *", "2026-06-01T03:01", false),
            ("*/1 * * * ?", "2026-06-01T12:34", true),
            ("*/15 * * * *", "2026-06-01T12:45", true),
            ("*/15 * * * *", "2026-06-01T12:46", false),
            ("5/10 * * * *", "2026-06-01T12:15", true),
            ("0 9-17/4 * * MON-FRI", "2026-06-01T13:00", true),
            ("0 9-17/4 * * MON-FRI", "2026-05-31T13:00", false),
            ("30 6 1,15 jun *", "2026-06-15T06:30", true),
            ("0 0 * * 7", "2026-05-31T00:00", true),
            ("0 0 * * 0", "2026-05-31T00:00", true),
            ("0 0 * * 1", "2026-06-01T00:00", true),
            // Either field of the day is enough, if both are given.
            ("0 0 13 * FRI", "2026-06-12T00:00", true),
            ("0 0 13 * FRI", "2026-06-13T00:00", true),
            ("0 0 13 * FRI", "2026-06-14T00:00", false),
            ("@hourly", "2026-06-01T05:00", true),
            ("@weekly", "2026-06-01T00:00", false),
        ] {
            assert_eq!(matches(schedule, at), expected, "{schedule} at {at}");
        }
    }

    #[test]
    fn a_schedule_that_can_not_be_is_refused() {
        for (schedule, expected) in [
            ("", "five fields"),
            ("* * * *", "five fields"),
            ("@every 1h", "five fields"),
            ("0 0 1 1 ? 2027", "has the year 2027"),
            ("60 * * * *", "\"60\""),
            ("* * 0 * *", "\"0\""),
            ("* * L * *", "\"L\""),
            ("* * * * FRI#2", "\"FRI#2\""),
            ("*/0 * * * *", "\"*/0\""),
            ("5-1 * * * *", "\"5-1\""),
            ("1,,2 * * * *", "\"1,,2\""),
            ("+1 * * * *", "\"+1\""),
        ] {
            let error = Schedule::parse(schedule).unwrap_err();
            assert!(error.contains(expected), "{schedule}: {error}");
        }
    }

    #[test]
    fn a_time_is_due_once_between_two_looks() {
        let schedule = Schedule::parse("0 3 * * *").unwrap();
        assert!(schedule.was_due(time("2026-06-01T02:59"), time("2026-06-01T03:00")));
        assert!(!schedule.was_due(time("2026-06-01T03:00"), time("2026-06-01T03:00")));
        assert!(!schedule.was_due(time("2026-06-01T03:00"), time("2026-06-01T03:01")));
        assert!(schedule.was_due(time("2020-01-01T00:00"), time("2026-06-01T00:00")));
        assert!(!schedule.was_due(time("2026-06-02T00:00"), time("2026-06-01T00:00")), "backwards");
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "[-*?/,0-9a-zA-Z@# ]{0,40}") {
            let _ = Schedule::parse(&text);
        }

        #[test]
        fn a_list_matches_its_values_and_no_others(
            minutes in prop::collection::btree_set(0u32..60, 1..8),
            at in 0u32..60,
        ) {
            let list = minutes.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
            let schedule = Schedule::parse(&format!("{list} * * * *")).unwrap();
            let time = time("2026-06-01T00:00") + TimeDelta::minutes(at.into());
            prop_assert_eq!(schedule.matches(time), minutes.contains(&at));
        }

        #[test]
        fn a_split_span_is_due_where_the_whole_is(
            start in 0i64..100_000, first in 0i64..3_000, second in 0i64..3_000, hour in 0u32..24,
        ) {
            let schedule = Schedule::parse(&format!("7 {hour} * * *")).unwrap();
            let start = time("2026-06-01T00:00") + TimeDelta::minutes(start);
            let middle = start + TimeDelta::minutes(first);
            let end = middle + TimeDelta::minutes(second);
            let parts = schedule.was_due(start, middle) || schedule.was_due(middle, end);
            prop_assert_eq!(schedule.was_due(start, end), parts);
        }
    }
}
