//! Going on in a build log that is sent from its start again.
//!
//! The log kept after a build is not the live one byte for byte: the `waiting for build pod…` lines
//! are only live (v3). So what was shown is first held against the new beginning by length and
//! hash; where they differ, the last lines shown are looked for.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// How many of the last lines shown are remembered.
const REMEMBERED: usize = 8;
/// Lines that only a live log has.
const LIVE_ONLY: &[u8] = b"waiting for build pod";
/// The most of a differing log that is held back to find the place in it.
const HELD_MOST: usize = 16 << 20;

/// What was shown of a log.
#[derive(Clone, Default)]
pub(super) struct Shown {
    length: u64,
    hash: Sha256,
    /// The last complete lines, without those that are only live.
    lines: Vec<Line>,
    /// The line that is not complete.
    partial: Partial,
}

/// A line, which may be of any length: all that is kept is what it is known by.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Line {
    length: u64,
    hash: u64,
}

/// A line of which more may come.
#[derive(Clone, Default)]
struct Partial {
    length: u64,
    hasher: DefaultHasher,
    /// As much of it as tells whether only a live log has it.
    start: Vec<u8>,
}

impl Shown {
    /// Was nothing shown but, perhaps, what only a live log has?
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.partial.length == 0
    }

    pub(super) fn add(&mut self, text: &[u8]) {
        self.length += text.len() as u64;
        self.hash.update(text);
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            self.partial.add(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.partial);
                self.remember(&line);
            }
        }
    }

    fn remember(&mut self, line: &Partial) {
        if line.start == LIVE_ONLY {
            return;
        }
        if self.lines.len() == REMEMBERED {
            self.lines.remove(0);
        }
        self.lines.push(line.so_far());
    }
}

impl Partial {
    fn add(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        self.hasher.write(piece);
        let room = LIVE_ONLY.len() - self.start.len();
        self.start.extend_from_slice(&piece[..room.min(piece.len())]);
    }

    fn so_far(&self) -> Line {
        Line { length: self.length, hash: self.hasher.finish() }
    }
}

impl Line {
    fn of(text: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(text);
        Self { length: text.len() as u64, hash: hasher.finish() }
    }
}

/// A log on its way again, up to the place where it was left.
pub(super) struct Rejoin {
    shown: Shown,
    hash: Sha256,
    passed: u64,
    /// The whole of it so far, since its beginning may turn out to differ.
    held: Vec<u8>,
    differs: bool,
}

/// What a piece of the log is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// Still before the place.
    NotYet,
    /// The place is reached; this follows.
    Here(Bytes),
    /// There is no such place: this is the whole log.
    Whole(Bytes),
}

impl Rejoin {
    pub(super) fn new(shown: Shown) -> Self {
        Self { shown, hash: Sha256::new(), passed: 0, held: Vec::new(), differs: false }
    }

    /// Is it another text than the one that was shown?
    pub(super) fn differs(&self) -> bool {
        self.differs
    }

    /// Takes the next piece.
    pub(super) fn feed(&mut self, data: &[u8]) -> Joined {
        if !self.differs {
            if let Some(joined) = self.skip(data) {
                return joined;
            }
        } else {
            self.held.extend_from_slice(data);
        }
        if self.differs && self.held.len() > HELD_MOST {
            return self.finish();
        }
        Joined::NotYet
    }

    /// Skips what agrees with what was shown, as long as it may.
    fn skip(&mut self, data: &[u8]) -> Option<Joined> {
        let missing = usize::try_from(self.shown.length - self.passed).unwrap_or(usize::MAX);
        let (before, after) = data.split_at(missing.min(data.len()));
        self.hash.update(before);
        self.passed += before.len() as u64;
        self.held.extend_from_slice(data);
        if self.passed < self.shown.length {
            if self.held.len() > HELD_MOST {
                // So long a log agrees, or is shown whole: the place is not looked for that far back.
                self.held.clear();
            }
            return None;
        }
        if self.hash.clone().finalize() == self.shown.hash.clone().finalize() {
            return Some(Joined::Here(Bytes::copy_from_slice(after)));
        }
        self.differs = true;
        None
    }

    /// The log has ended, or been quiet for a while: what of it was not shown yet?
    pub(super) fn finish(&mut self) -> Joined {
        let held = std::mem::take(&mut self.held);
        let is_part = (held.len() as u64) < self.passed;
        match self.place(&held) {
            Some(place) => Joined::Here(Bytes::from(held).slice(place..)),
            // Shorter than what was shown, and not its end: the rack has not caught up yet.
            None if !self.differs && (is_part || !self.shown.lines.is_empty()) => Joined::NotYet,
            None => Joined::Whole(held.into()),
        }
    }

    /// Where the last lines shown end in `text`: the longest run of them that is there, at its
    /// last place.
    fn place(&self, text: &[u8]) -> Option<usize> {
        let lines: Vec<Line> = text.split_inclusive(|byte| *byte == b'\n').map(Line::of).collect();
        let remembered = &self.shown.lines;
        let run = (1..=remembered.len()).rev().find_map(|count| {
            let wanted = &remembered[remembered.len() - count..];
            let found = lines.windows(count).rposition(|window| window == wanted)?;
            Some(found + count)
        })?;
        let place: u64 = lines[..run].iter().map(|line| line.length).sum();
        let place = usize::try_from(place).ok()?;
        Some(place + self.partial_at(&text[place..]))
    }

    /// How much of `text` the line makes out that was shown in part.
    fn partial_at(&self, text: &[u8]) -> usize {
        let partial = self.shown.partial.so_far();
        let length = usize::try_from(partial.length).unwrap_or(usize::MAX);
        let goes_on = text.get(..length).is_some_and(|begun| Line::of(begun) == partial);
        if goes_on { length } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is shown in all when a log is cut after `seen`, and `again` is sent from its start.
    fn total(seen: &str, again: &str, step: usize) -> String {
        let mut shown = Shown::default();
        shown.add(seen.as_bytes());
        let mut rejoin = Rejoin::new(shown);
        let mut text = seen.as_bytes().to_vec();
        let mut joined = false;
        for piece in again.as_bytes().chunks(step.max(1)) {
            if joined {
                text.extend_from_slice(piece);
                continue;
            }
            if let Joined::Here(rest) | Joined::Whole(rest) = rejoin.feed(piece) {
                text.extend_from_slice(&rest);
                joined = true;
            }
        }
        if !joined && let Joined::Here(rest) | Joined::Whole(rest) = rejoin.finish() {
            text.extend_from_slice(&rest);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_same_log_goes_on_in_the_middle_of_a_line() {
        assert_eq!(total("one\ntw", "one\ntwo\nthree\n", 5), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_long_line_is_gone_on_with_though_only_its_length_and_hash_are_kept() {
        let long = "x".repeat(3_000_000);
        let (live, stored) =
            (format!("waiting for build pod...\na\n{long}"), format!("a\n{long}y\nb\n"));
        assert_eq!(total(&live, &stored, 100_000), format!("{live}y\nb\n"));
        assert_eq!(total(&stored[..2_000_000], &stored, 100_000), stored);
        let mut shown = Shown::default();
        shown.add(long.as_bytes());
        assert!(shown.partial.start.capacity() < 1000);
    }

    #[test]
    fn a_stored_log_without_the_waiting_lines_is_joined_by_its_last_lines() {
        let live = "waiting for build pod...\nwaiting for build pod...\nstep 1\nstep 2\n";
        let stored = "step 1\nstep 2\nstep 3\n";
        assert_eq!(total(live, stored, 4), format!("{live}step 3\n"));
        assert_eq!(total(&format!("{live}st"), stored, 4), format!("{live}step 3\n"));
    }

    #[test]
    fn nothing_but_waiting_lines_shown_means_that_all_of_it_is_new() {
        let live = "waiting for build pod...\n";
        assert_eq!(total(live, "step 1\n", 3), "waiting for build pod...\nstep 1\n");
    }

    #[test]
    fn a_log_that_has_not_caught_up_shows_nothing_twice() {
        assert_eq!(total("one\ntwo\n", "one\n", 2), "one\ntwo\n");
    }

    #[test]
    fn a_log_that_is_another_is_shown_whole() {
        assert_eq!(total("alpha\n", "beta\ngamma\n", 3), "alpha\nbeta\ngamma\n");
    }

    proptest! {
        #[test]
        fn a_log_cut_anywhere_is_shown_once(
            lines in prop::collection::vec("[a-c]{0,3}", 0..12),
            cut in 0.0f64..1.0,
            step in 1usize..9,
        ) {
            let log: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let cut = (log.len() as f64 * cut) as usize;
            prop_assert_eq!(total(&log[..cut], &log, step), log);
        }
    }
}
