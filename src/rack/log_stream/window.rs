//! Which lines of an app's log were shown already.
//!
//! Racks have no offsets; a line carries a time of whole seconds (exact ones on the development
//! rack), and lines of one second may be alike. So the newest lines are counted, and after a cut
//! only the surplus of each is new.

use std::collections::VecDeque;
use std::collections::hash_map::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use memchr::memchr;

/// Lines that are older than the newest by more than this are forgotten: 15 s.
const REACH: Moment = 15_000_000_000;
/// The most lines that are remembered; beyond, one may be repeated but none is lost.
const MOST: usize = 200_000;

/// Nanoseconds since 1970: there may be millions of lines in a second.
type Moment = i64;

/// What a line is known by: its time, and a hash of its head.
pub(super) type Entry = (Moment, u64);

/// The newest lines shown.
#[derive(Default)]
pub(super) struct Window {
    lines: VecDeque<Entry>,
    newest: Option<Moment>,
    /// The last time that was read, as text: most lines share it.
    read: Option<(String, Moment)>,
    /// After a new attachment: how often each remembered line may come once more.
    due: HashMap<Entry, u32>,
}

impl Window {
    /// The time of the newest line shown.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        self.newest.map(DateTime::from_timestamp_nanos)
    }

    /// The log is sent again: lines that were shown are due once more.
    pub(super) fn attached_again(&mut self) {
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
    pub(super) fn admit(&mut self, entry: Option<Entry>) -> bool {
        let Some(entry) = entry else { return true };
        if self.spend(entry) {
            return false;
        }
        self.remember(entry);
        true
    }

    /// Counts a line as shown that cannot have been before.
    pub(super) fn note(&mut self, line: &[u8]) {
        if let Some(entry) = self.entry(line) {
            self.remember(entry);
        }
    }

    /// Is this the last time that this line may come once more?
    pub(super) fn is_last(&self, entry: Option<Entry>) -> bool {
        entry.is_some_and(|entry| self.due.get(&entry).is_none_or(|due| *due == 1))
    }

    /// Lets a line that was shown be new the next time.
    pub(super) fn forgive(&mut self, entry: Option<Entry>) {
        if let Some(entry) = entry {
            self.spend(entry);
        }
    }

    /// Takes one off what is due of a line; was there any?
    fn spend(&mut self, entry: Entry) -> bool {
        let Some(due) = self.due.get_mut(&entry) else { return false };
        *due -= 1;
        if *due == 0 {
            self.due.remove(&entry);
        }
        true
    }

    /// What a line is known by; nothing, where neither it nor a line before had a time.
    pub(super) fn entry(&mut self, line: &[u8]) -> Option<Entry> {
        let time = self.time(line).or(self.newest)?;
        Some((time, hash(line)))
    }

    fn remember(&mut self, entry: Entry) {
        self.lines.push_back(entry);
        self.newest = self.newest.max(Some(entry.0));
        self.forget();
    }

    fn time(&mut self, line: &[u8]) -> Option<Moment> {
        if let Some((known, time)) = &self.read
            && line.strip_prefix(known.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' '))
        {
            return Some(*time);
        }
        let end = memchr(b' ', line)?;
        let text = std::str::from_utf8(&line[..end]).ok()?;
        let time = DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()?;
        self.read = Some((text.to_owned(), time));
        Some(time)
    }

    fn forget(&mut self) {
        let Some(newest) = self.newest else { return };
        while let Some((time, _)) = self.lines.front() {
            if newest.saturating_sub(*time) <= REACH && self.lines.len() <= MOST {
                return;
            }
            self.lines.pop_front();
        }
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

    fn admits(window: &mut Window, line: &[u8]) -> bool {
        let entry = window.entry(line);
        window.admit(entry)
    }

    #[test]
    fn equal_lines_of_one_second_are_counted() {
        let mut window = Window::default();
        assert!(admits(&mut window, &line(1, "tick")) && admits(&mut window, &line(1, "tick")));
        window.attached_again();
        let admitted = [(); 3].map(|()| admits(&mut window, &line(1, "tick")));
        assert_eq!(admitted, [false, false, true]);
    }

    #[test]
    fn lines_without_a_time_are_counted_with_the_line_before() {
        let mut window = Window::default();
        assert!(admits(&mut window, &line(1, "first")) && admits(&mut window, b"  at main.js:1"));
        window.attached_again();
        assert!(!admits(&mut window, &line(1, "first")) && !admits(&mut window, b"  at main.js:1"));
        assert!(admits(&mut window, b"  at main.js:2"));
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
            let mut window = Window::default();
            let mut shown: Vec<_> = lines[..cut].iter().filter(|line| admits(&mut window, line)).collect();
            window.attached_again();
            shown.extend(lines[from..].iter().filter(|line| admits(&mut window, line)));
            prop_assert_eq!(shown, lines.iter().collect::<Vec<_>>());
        }
    }
}
