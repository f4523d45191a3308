//! Which lines of an app's log were shown already.
//!
//! Racks have no offsets; a line carries a time of whole seconds (exact ones on the development
//! rack), and lines of one second may be alike. So the newest lines are counted, and after a cut
//! only the surplus of each is new.

use std::collections::VecDeque;
use std::collections::hash_map::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use chrono::{DateTime, Utc};
use memchr::memchr;

/// Lines that are older than the newest by more than this are forgotten: 15 s.
const REACH: Moment = 15_000_000_000;
/// The most lines that are remembered; beyond, one may be repeated but none is lost.
const MOST: usize = 200_000;

/// Nanoseconds since 1970: there may be millions of lines in a second.
type Moment = i64;

/// What a line is known by: its time, and a hash of its head. One without a time has that of the
/// line before it; where there is none either, the hash alone has to do.
pub(super) type Entry = (Option<Moment>, u64);

/// The newest lines shown.
#[derive(Default)]
pub(super) struct SeenLines {
    lines: VecDeque<Entry>,
    newest: Option<Moment>,
    /// The time of the line before, in this attachment.
    before: Option<Moment>,
    /// The last time that was read, with what stands before it: most lines share them.
    read: Option<(Vec<u8>, Moment)>,
    /// After a new attachment: how often each remembered line may come once more.
    due: HashMap<Entry, u32>,
}

impl SeenLines {
    /// The time of the newest line shown.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        self.newest.map(DateTime::from_timestamp_nanos)
    }

    /// The log is sent again: lines that were shown are due once more.
    pub(super) fn attached_again(&mut self) {
        self.before = None;
        self.due.clear();
        for line in &self.lines {
            *self.due.entry(*line).or_default() += 1;
        }
    }

    /// Can a line be one that was shown already?
    pub(super) fn is_repeating(&self) -> bool {
        !self.due.is_empty()
    }

    /// Is this line new? Counts it as shown.
    pub(super) fn admit(&mut self, entry: Entry) -> bool {
        if self.spend(entry) {
            return false;
        }
        self.remember(entry);
        true
    }

    /// Counts a line as shown that cannot have been before.
    pub(super) fn note(&mut self, line: &[u8]) {
        let entry = self.entry(line);
        self.remember(entry);
    }

    /// Is this the last time that this line may come once more?
    pub(super) fn is_last(&self, entry: Entry) -> bool {
        self.due.get(&entry).is_none_or(|due| *due == 1)
    }

    /// Takes one off what is due of a line, so that it is new the next time; was there any?
    pub(super) fn spend(&mut self, entry: Entry) -> bool {
        let Some(due) = self.due.get_mut(&entry) else { return false };
        *due -= 1;
        if *due == 0 {
            self.due.remove(&entry);
        }
        true
    }

    /// What the next line is known by.
    pub(super) fn entry(&mut self, line: &[u8]) -> Entry {
        self.before = self.time(line).or(self.before);
        (self.before, hash(line))
    }

    fn remember(&mut self, entry: Entry) {
        self.lines.push_back(entry);
        self.newest = self.newest.max(entry.0);
        self.forget();
    }

    fn time(&mut self, line: &[u8]) -> Option<Moment> {
        if let Some((known, time)) = &self.read
            && line.strip_prefix(known.as_slice()).is_some_and(|rest| rest.first() == Some(&b' '))
        {
            return Some(*time);
        }
        let place = place_of_time(line);
        let text = std::str::from_utf8(&line[place.clone()]).ok()?;
        let time = DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()?;
        self.read = Some((line[..place.end].to_vec(), time));
        Some(time)
    }

    fn forget(&mut self) {
        let is_old = |time: Option<Moment>| match (self.newest, time) {
            (Some(newest), Some(time)) => newest.saturating_sub(time) > REACH,
            (newest, _) => newest.is_some(),
        };
        while let Some((time, _)) = self.lines.front() {
            if !is_old(*time) && self.lines.len() <= MOST {
                return;
            }
            self.lines.pop_front();
        }
    }
}

/// Where a line has its time: at its start, or behind the name of the process (service logs):
/// `[pod/<pod>/<container>] <time> <message>`.
fn place_of_time(line: &[u8]) -> Range<usize> {
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

    fn admits(window: &mut SeenLines, line: &[u8]) -> bool {
        let entry = window.entry(line);
        window.admit(entry)
    }

    #[test]
    fn equal_lines_of_one_second_are_counted() {
        let mut window = SeenLines::default();
        assert!(admits(&mut window, &line(1, "tick")) && admits(&mut window, &line(1, "tick")));
        window.attached_again();
        let admitted = [(); 3].map(|()| admits(&mut window, &line(1, "tick")));
        assert_eq!(admitted, [false, false, true]);
    }

    /// Is this line of a service's log new?
    fn admits_of(window: &mut SeenLines, pod: &str, second: u32, text: &str) -> bool {
        let line = format!("[pod/{pod}/web] 2026-02-03T04:05:{second:02}.123456789Z {text}");
        admits(window, line.as_bytes())
    }

    #[test]
    fn the_lines_of_a_service_have_their_time_behind_the_process() {
        let mut window = SeenLines::default();
        assert!(admits_of(&mut window, "a", 1, "x") && admits_of(&mut window, "b", 2, "x"));
        assert!(admits_of(&mut window, "b", 3, ""));
        assert_eq!(window.newest(), Some("2026-02-03T04:05:03.123456789Z".parse().unwrap()));
        window.attached_again();
        assert!(!admits_of(&mut window, "b", 2, "x") && !admits_of(&mut window, "a", 1, "x"));
        assert!(!admits_of(&mut window, "b", 3, "") && admits_of(&mut window, "a", 3, ""));
    }

    #[test]
    fn lines_without_a_time_are_counted_with_the_line_before() {
        let mut window = SeenLines::default();
        let log: [&[u8]; 3] = [&line(1, "first"), b"  at main.js:1", &line(5, "second")];
        assert!(log.iter().all(|line| admits(&mut window, line)));
        for _ in 0..2 {
            window.attached_again();
            assert!(!log.iter().any(|line| admits(&mut window, line)));
        }
        assert!(admits(&mut window, b"  at main.js:1"));
    }

    #[test]
    fn a_log_without_any_time_is_counted_as_a_whole() {
        let mut window = SeenLines::default();
        assert!(admits(&mut window, b"one") && admits(&mut window, b"two"));
        window.attached_again();
        assert!(!admits(&mut window, b"one") && !admits(&mut window, b"two"));
        assert!(admits(&mut window, b"two"));
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
            let mut window = SeenLines::default();
            let mut shown: Vec<_> = lines[..cut].iter().filter(|line| admits(&mut window, line)).collect();
            window.attached_again();
            shown.extend(lines[from..].iter().filter(|line| admits(&mut window, line)));
            prop_assert_eq!(shown, lines.iter().collect::<Vec<_>>());
        }
    }
}
