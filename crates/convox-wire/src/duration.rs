//! Durations in Go's format (`90s`, `1h30m`, `1.5s`), for flags and the `Since` header.
//! Source: Go's documentation of `time.ParseDuration` and `Duration.String`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;

/// A duration in Go's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub Duration);

/// A duration in Go's format that may be negative: `Since: -5m` is five minutes from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedGoDuration(pub TimeDelta);

/// A text that is not a duration. The message does not repeat the text: it may come from a file or a
/// variable with other things in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a duration: a number and a unit is expected, for example 90s, 20m or 1h30m")]
pub struct InvalidDuration;

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", HOUR),
];
const HOUR: u128 = 3_600_000_000_000;

impl FromStr for GoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let nanos = nanos(text.strip_prefix('+').unwrap_or(text));
        let duration = nanos.map(|nanos| Self(Duration::from_nanos(nanos.unsigned_abs())));
        duration.ok_or(InvalidDuration)
    }
}

impl SignedGoDuration {
    /// Parses a duration that may also be in days and weeks (`1d`, `2w`), which are 24 hours and 7
    /// days. Go and racks do not know those units, but people do.
    ///
    /// # Errors
    /// The text is not a duration, or is longer than 292 years.
    pub fn parse_with_days(text: &str) -> Result<Self, InvalidDuration> {
        let days = [("d", 24 * HOUR), ("w", 7 * 24 * HOUR)];
        let (ahead, sign) = text.strip_prefix('-').map_or((text, 1), |ahead| (ahead, -1));
        let parsed = nanos_in(ahead, &[&UNITS[..], &days[..]].concat());
        let span = parsed.map(|nanos| Self(TimeDelta::nanoseconds(sign * nanos)));
        span.ok_or(InvalidDuration)
    }
}

impl FromStr for SignedGoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let Some(ahead) = text.strip_prefix('-') else {
            return text.parse().map(|GoDuration(duration)| duration.into());
        };
        let span = nanos(ahead).map(|nanos| Self(-TimeDelta::nanoseconds(nanos)));
        span.ok_or(InvalidDuration)
    }
}

impl From<Duration> for SignedGoDuration {
    fn from(duration: Duration) -> Self {
        Self(TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX))
    }
}

/// The nanoseconds of a text without a sign, in Go's units.
fn nanos(text: &str) -> Option<i64> {
    nanos_in(text, &UNITS)
}

/// The nanoseconds of a text without a sign.
fn nanos_in(text: &str, units: &[(&str, u128)]) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (mut total, mut rest): (u128, _) = quantity(text, units)?;
    while !rest.is_empty() {
        let (more, after) = quantity(rest, units)?;
        (total, rest) = (total.checked_add(more)?, after);
    }
    // Go's durations are 64-bit nanoseconds. Racks cannot read larger ones.
    i64::try_from(total).ok()
}

/// Parses one number with its unit. Returns nanoseconds, and the rest of the text.
fn quantity<'a>(text: &'a str, units: &[(&str, u128)]) -> Option<(u128, &'a str)> {
    let digits =
        |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let whole_end = digits(text);
    let (whole, rest) = text.split_at(whole_end);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(digits(after)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanos = whole.checked_mul(*scale)?.checked_add(fraction_of(fraction, *scale))?;
    Some((nanos, after))
}

/// The digits after the point, as a fraction of `scale`. Fractions of a nanosecond are dropped.
fn fraction_of(digits: &str, scale: u128) -> u128 {
    let mut place = scale;
    let mut nanos = 0;
    for digit in digits.bytes() {
        place /= 10;
        nanos += u128::from(digit - b'0') * place;
    }
    nanos
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        for (unit, scale) in [("ns", 1), ("µs", 1_000), ("ms", 1_000_000)] {
            if nanos < scale * 1_000 {
                return write!(f, "{}{unit}", decimal(nanos, scale));
            }
        }
        let seconds = self.0.as_secs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if seconds >= 60 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}s", decimal(nanos % 60_000_000_000, 1_000_000_000))
    }
}

impl fmt::Display for SignedGoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < TimeDelta::zero() {
            f.write_str("-")?;
        }
        GoDuration(self.0.abs().to_std().unwrap_or_default()).fmt(f)
    }
}

/// `nanos
/// scale`, with as many decimals as needed.
fn decimal(nanos: u128, scale: u128) -> String {
    let (whole, rest) = (nanos / scale, nanos % scale);
    if rest == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_parse_and_print_as_in_go() {
        for (text, printed) in [
            ("90m", "1h30m0s"),
            ("2m", "2m0s"),
            ("1.5s", "1.5s"),
            ("1h", "1h0m0s"),
            ("300ms", "300ms"),
            ("1h30m", "1h30m0s"),
            (".5m", "30s"),
            ("0", "0s"),
            ("1500us", "1.5ms"),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in ["", "yesterday", "1", "-5s", "5 s", "s", ".s", "1d", "99999999999h", "1h-5m"] {
            assert!(text.parse::<GoDuration>().is_err(), "{text}");
        }
    }

    #[test]
    fn days_and_weeks_are_understood_where_people_type_them() {
        for (text, printed) in
            [("1d", "24h0m0s"), ("1w2d", "216h0m0s"), ("1d12h", "36h0m0s"), ("-1d", "-24h0m0s")]
        {
            let parsed = SignedGoDuration::parse_with_days(text).unwrap();
            assert_eq!(parsed.to_string(), printed, "{text}");
        }
        for text in ["d", "1y", "--1d", "1e9d", "99999999d"] {
            assert!(SignedGoDuration::parse_with_days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_signed_duration_may_be_negative() {
        for (text, printed) in [("-5m", "-5m0s"), ("-0", "0s"), ("+1.5s", "1.5s"), ("20m", "20m0s")]
        {
            assert_eq!(text.parse::<SignedGoDuration>().unwrap().to_string(), printed, "{text}");
        }
        for text in ["-", "--5m", "-+5m", "+-5m", "-5", "1h-5m", "-99999999999h"] {
            assert!(text.parse::<SignedGoDuration>().is_err(), "{text}");
            assert!(text.parse::<GoDuration>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_duration_parses(nanos in 0..i64::MAX) {
            let duration = GoDuration(Duration::from_nanos(nanos.unsigned_abs()));
            prop_assert_eq!(duration.to_string().parse::<GoDuration>().unwrap(), duration);
        }
    }
}
