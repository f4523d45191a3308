//! Remembers which lines of an app's log were shown.
//!
//! Racks have no offsets. A line carries a time of whole seconds (exact on the development rack),
//! and lines of one second may be equal. So the newest lines are counted, and after a reconnect
//! only the surplus of each is new.

use std::collections::VecDeque;
use std::collections::hash_map::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use chrono::{DateTime, Utc};
use memchr::memchr;

/// Lines older than the newest by more than this are forgotten: 15 s.
const RETENTION: Nanos = 15_000_000_000;
/// The most lines that are remembered. Beyond that a line may be repeated, but none is lost.
const MAX_LINES: usize = 200_000;

/// Nanoseconds since 1970: there may be millions of lines in a second.
type Nanos = i64;

/// Identifies a line by its time and a hash of its head. A line without a time has the time of the
/// line before, if there is one.
pub(super) type LineKey = (Option<Nanos>, u64);

/// The newest lines shown.
#[derive(Default)]
pub(super) struct SeenLines {
    lines: VecDeque<LineKey>,
    newest: Option<Nanos>,
    /// The time of the line before, in this connection.
    previous: Option<Nanos>,
    /// The last time that was parsed, with the text up to it: most lines share it.
    last_parsed: Option<(Vec<u8>, Nanos)>,
    /// After a reconnect: how often each remembered line may be repeated.
    expected_replays: HashMap<LineKey, u32>,
}

impl SeenLines {
    /// The time of the newest line shown.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        self.newest.map(DateTime::from_timestamp_nanos)
    }

    /// Notes a reconnect: each line that was shown may be repeated once.
    pub(super) fn expect_replays(&mut self) {
        self.previous = None;
        self.expected_replays.clear();
        for line in &self.lines {
            *self.expected_replays.entry(*line).or_default() += 1;
        }
    }

    /// Returns whether a line may be a repetition.
    pub(super) fn expects_replays(&self) -> bool {
        !self.expected_replays.is_empty()
    }

    /// Inserts a line unless it is a repetition. Returns whether it is new.
    pub(super) fn insert_if_new(&mut self, key: LineKey) -> bool {
        if self.consume(key) {
            return false;
        }
        self.remember(key);
        true
    }

    /// Inserts a line that cannot be a repetition.
    pub(super) fn insert(&mut self, line: &[u8]) {
        let key = self.key(line);
        self.remember(key);
    }

    /// Returns whether this is the last expected repetition of a line.
    pub(super) fn is_last_expected(&self, key: LineKey) -> bool {
        self.expected_replays.get(&key).is_none_or(|expected_replays| *expected_replays == 1)
    }

    /// Uses up one expected repetition of a line. Returns whether there was one.
    pub(super) fn consume(&mut self, key: LineKey) -> bool {
        let Some(expected_replays) = self.expected_replays.get_mut(&key) else { return false };
        *expected_replays -= 1;
        if *expected_replays == 0 {
            self.expected_replays.remove(&key);
        }
        true
    }

    /// The key of the next line.
    pub(super) fn key(&mut self, line: &[u8]) -> LineKey {
        self.previous = self.time(line).or(self.previous);
        (self.previous, hash(line))
    }

    fn remember(&mut self, key: LineKey) {
        self.lines.push_back(key);
        self.newest = self.newest.max(key.0);
        self.evict();
    }

    fn time(&mut self, line: &[u8]) -> Option<Nanos> {
        if let Some((prefix, time)) = &self.last_parsed
            && line.strip_prefix(prefix.as_slice()).is_some_and(|rest| rest.first() == Some(&b' '))
        {
            return Some(*time);
        }
        let place = time_range(line);
        let text = std::str::from_utf8(&line[place.clone()]).ok()?;
        let time = DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()?;
        self.last_parsed = Some((line[..place.end].to_vec(), time));
        Some(time)
    }

    fn evict(&mut self) {
        let is_old = |time: Option<Nanos>| match (self.newest, time) {
            (Some(newest), Some(time)) => newest.saturating_sub(time) > RETENTION,
            (newest, _) => newest.is_some(),
        };
        while let Some((time, _)) = self.lines.front() {
            if !is_old(*time) && self.lines.len() <= MAX_LINES {
                return;
            }
            self.lines.pop_front();
        }
    }
}

/// The time in a line: at its start, or after the process name (service logs):
/// `[pod/<pod>/<container>] <time> <message>`.
fn time_range(line: &[u8]) -> Range<usize> {
    let word = |start: usize| {
        let end = memchr(b' ', &line[start..]).map_or(line.len(), |length| start + length);
        start..end
    };
    let first = word(0);
    match line[first.clone()].starts_with(b"[pod/") {
        true => word((first.end + 1).min(line.len())),
        false => first,
    }
}

fn hash(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(second: u32, text: &str) -> Vec<u8> {
        format!("2026-02-03T04:05:{second:02}Z service/web/1 {text}").into_bytes()
    }

    fn is_new(seen: &mut SeenLines, line: &[u8]) -> bool {
        let key = seen.key(line);
        seen.insert_if_new(key)
    }

    #[test]
    fn equal_lines_of_one_second_are_counted() {
        let mut seen = SeenLines::default();
        assert!(is_new(&mut seen, &line(1, "tick")) && is_new(&mut seen, &line(1, "tick")));
        seen.expect_replays();
        let inserted = [(); 3].map(|()| is_new(&mut seen, &line(1, "tick")));
        assert_eq!(inserted, [false, false, true]);
    }

    /// Returns whether this line of a service's log is new.
    fn is_new_of_service(seen: &mut SeenLines, pod: &str, second: u32, text: &str) -> bool {
        let line = format!("[pod/{pod}/web] 2026-02-03T04:05:{second:02}.123456789Z {text}");
        is_new(seen, line.as_bytes())
    }

    #[test]
    fn the_lines_of_a_service_have_their_time_behind_the_process() {
        let mut seen = SeenLines::default();
        assert!(
            is_new_of_service(&mut seen, "a", 1, "x") && is_new_of_service(&mut seen, "b", 2, "x")
        );
        assert!(is_new_of_service(&mut seen, "b", 3, ""));
        assert_eq!(seen.newest(), Some("2026-02-03T04:05:03.123456789Z".parse().unwrap()));
        seen.expect_replays();
        assert!(
            !is_new_of_service(&mut seen, "b", 2, "x")
                && !is_new_of_service(&mut seen, "a", 1, "x")
        );
        assert!(
            !is_new_of_service(&mut seen, "b", 3, "") && is_new_of_service(&mut seen, "a", 3, "")
        );
    }

    #[test]
    fn lines_without_a_time_are_counted_with_the_line_before() {
        let mut seen = SeenLines::default();
        let log: [&[u8]; 3] = [&line(1, "first"), b"  at main.js:1", &line(5, "second")];
        assert!(log.iter().all(|line| is_new(&mut seen, line)));
        for _ in 0..2 {
            seen.expect_replays();
            assert!(!log.iter().any(|line| is_new(&mut seen, line)));
        }
        assert!(is_new(&mut seen, b"  at main.js:1"));
    }

    #[test]
    fn a_log_without_any_time_is_counted_as_a_whole() {
        let mut seen = SeenLines::default();
        assert!(is_new(&mut seen, b"one") && is_new(&mut seen, b"two"));
        seen.expect_replays();
        assert!(!is_new(&mut seen, b"one") && !is_new(&mut seen, b"two"));
        assert!(is_new(&mut seen, b"two"));
    }

    proptest! {
        #[test]
        fn a_log_that_is_resumed_shows_every_line_once(
            lines in prop::collection::vec((0u32..8, "[ab]"), 0..30),
            cut in 0usize..30,
            back in 0usize..30,
        ) {
            let mut lines = lines;
            lines.sort();
            let lines: Vec<Vec<u8>> = lines.iter().map(|(second, text)| line(*second, text)).collect();
            let cut = cut.min(lines.len());
            // Sent again from the start of some second at or before the cut.
            let mut from = cut.saturating_sub(back);
            while from > 0 && lines[from - 1][..20] == lines.get(from).unwrap_or(&lines[from - 1])[..20] {
                from -= 1;
            }
            let mut seen = SeenLines::default();
            let mut shown: Vec<_> = lines[..cut].iter().filter(|line| is_new(&mut seen, line)).collect();
            seen.expect_replays();
            shown.extend(lines[from..].iter().filter(|line| is_new(&mut seen, line)));
            prop_assert_eq!(shown, lines.iter().collect::<Vec<_>>());
        }
    }
}
