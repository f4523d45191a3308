//! Durations as Go writes and reads them (`90s`, `1h30m`, `1.5s`): flags, and the `Since` header.
//! Source: Go's documentation of `time.ParseDuration` and `Duration.String`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time in Go's notation. Not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub Duration);

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration {0:?}: a number and a unit is expected, for example 90s, 20m or 1h30m")]
pub struct InvalidDuration(String);

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl FromStr for GoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let invalid = || InvalidDuration(text.to_owned());
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        if rest == "0" {
            return Ok(Self(Duration::ZERO));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u128 = 0;
        while !rest.is_empty() {
            let (nanos, after) = quantity(rest).ok_or_else(invalid)?;
            total = total.checked_add(nanos).ok_or_else(invalid)?;
            rest = after;
        }
        // Go's durations are 64-bit nanoseconds: what it cannot hold, a rack cannot read.
        let nanos = i64::try_from(total).map_err(|_| invalid())?;
        Ok(Self(Duration::from_nanos(nanos.unsigned_abs())))
    }
}

/// One number with its unit, in nanoseconds, and what follows.
fn quantity(text: &str) -> Option<(u128, &str)> {
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
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanos = whole.checked_mul(*scale)?.checked_add(fraction_of(fraction, *scale))?;
    Some((nanos, after))
}

/// The digits behind the point, as part of `scale`; what is finer than a nanosecond is dropped.
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

/// `nanos / scale` with as many decimals as it needs.
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
    fn durations_read_and_print_as_in_go() {
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
    fn other_texts_are_refused() {
        for text in ["", "yesterday", "1", "-5s", "5 s", "s", ".s", "1d", "99999999999h", "1h-5m"] {
            assert!(text.parse::<GoDuration>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_duration_reads_back(nanos in 0..i64::MAX) {
            let duration = GoDuration(Duration::from_nanos(nanos.unsigned_abs()));
            prop_assert_eq!(duration.to_string().parse::<GoDuration>().unwrap(), duration);
        }
    }
}
