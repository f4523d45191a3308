//! Which lines of a log are shown, as far as the client decides.

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use regex_lite::Regex;

use super::prefix::LogPrefix;

/// Chooses lines. A log may arrive in whole lines, or in parts of long ones: those follow their
/// first part.
pub(super) struct LineFilter {
    grep: Option<Regex>,
    until: Option<DateTime<Utc>>,
    /// Whether the line that has begun is shown.
    begun: Option<bool>,
    /// A line after the end was seen.
    is_over: bool,
}

impl LineFilter {
    pub(super) fn new(grep: Option<Regex>, until: Option<DateTime<Utc>>) -> Self {
        Self { grep, until, begun: None, is_over: false }
    }

    /// Whether all that follows is too late.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Returns what is shown of some lines.
    pub(super) fn apply(&mut self, lines: Bytes) -> Bytes {
        if self.grep.is_none() && self.until.is_none() {
            return lines;
        }
        let mut shown = BytesMut::with_capacity(lines.len());
        for part in lines.split_inclusive(|byte| *byte == b'\n') {
            let is_shown = match self.begun.take() {
                Some(is_shown) => is_shown,
                None => self.chooses(&String::from_utf8_lossy(part)),
            };
            if self.is_over {
                break;
            }
            if is_shown {
                shown.extend_from_slice(part);
            }
            self.begun = (!part.ends_with(b"\n")).then_some(is_shown);
        }
        shown.freeze()
    }

    fn chooses(&mut self, line: &str) -> bool {
        let line = line.trim_end_matches(['\n', '\r']);
        if let (Some(until), Some(prefix)) = (self.until, LogPrefix::parse(line)) {
            self.is_over |= prefix.time > until;
        }
        self.grep.as_ref().is_none_or(|grep| grep.is_match(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mut filter: LineFilter, parts: &[&str]) -> String {
        let shown = parts.iter().map(|part| filter.apply(Bytes::copy_from_slice(part.as_bytes())));
        shown.map(|part| String::from_utf8(part.to_vec()).unwrap()).collect()
    }

    #[test]
    fn lines_that_match_are_shown_whole() {
        let grep = || LineFilter::new(Some(Regex::new("(?i)err(or)?").unwrap()), None);
        let log = "one error\ntwo\nthree ERR\n";
        assert_eq!(shown(grep(), &[log]), "one error\nthree ERR\n");
        assert_eq!(shown(grep(), &["one err", "x\ntwo", " err\n"]), "one errx\n");
    }

    #[test]
    fn the_log_is_over_at_its_first_late_line() {
        let until = "2026-02-03T04:05:06Z".parse().unwrap();
        let mut filter = LineFilter::new(None, Some(until));
        let line = |second: u32| format!("2026-02-03T04:05:0{second}Z service/web/1 {second}\n");
        let log = [line(5), "  at main.js\n".to_owned(), line(6), line(7), line(8)].concat();
        let kept = filter.apply(log.into());
        assert_eq!(kept, [line(5), "  at main.js\n".to_owned(), line(6)].concat());
        assert!(filter.is_over());
    }
}
