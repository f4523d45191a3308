//! Resumes a build log that racks send from its start on each connection.
//!
//! The log stored after a build differs from the live one: some lines are only live (v3). The other
//! lines are counted. If the new log has the last lines shown at the same count, it goes on there.
//! If it differs, the nearest place with these lines is searched for. If it begins alike but has
//! fewer lines, it has not caught up yet.

use std::collections::VecDeque;

use bytes::Bytes;
use memchr::memchr;
use sha2::{Digest, Sha256};

/// How many of the first and of the last lines shown are remembered.
const REMEMBERED: usize = 8;
/// The beginnings of the lines that only a live log has.
const LIVE_ONLY: [&[u8]; 2] = [b"waiting for build pod", b"build log stream interrupted"];
/// How many bytes of a line's beginning are kept to recognize them.
const BEGINNING: usize = 32;
/// The most bytes of a log that are held back to find the place in it.
const MAX_HELD: usize = 16 << 20;

type LineHash = [u8; 32];

/// A line of any length, as it arrives.
#[derive(Clone, Default)]
struct HashedLine {
    length: u64,
    hash: Sha256,
    beginning: Vec<u8>,
    is_complete: bool,
}

impl HashedLine {
    /// Adds a part of the line, which may end with its newline.
    fn add(&mut self, part: &[u8]) {
        let missing = BEGINNING.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&part[..part.len().min(missing)]);
        self.length += part.len() as u64;
        self.hash.update(part);
        self.is_complete = part.ends_with(b"\n");
    }

    fn hash(&self) -> LineHash {
        self.hash.clone().finalize().into()
    }

    fn is_live_only(&self) -> bool {
        LIVE_ONLY.iter().any(|mark| self.beginning.starts_with(mark))
    }

    /// Returns whether only a live log has it, or may have it once it is complete.
    fn may_be_live_only(&self) -> bool {
        let begins = |mark: &&[u8]| !self.is_complete && mark.starts_with(&self.beginning);
        self.is_live_only() || LIVE_ONLY.iter().any(begins)
    }
}

/// Complete lines.
#[derive(Clone, Default)]
struct LineTally {
    /// The number of lines, without those that are only live.
    count: u64,
    live_only: u64,
    first: Vec<LineHash>,
    last: VecDeque<LineHash>,
}

impl LineTally {
    fn add(&mut self, line: &HashedLine) {
        if line.is_live_only() {
            self.live_only += 1;
            return;
        }
        self.count += 1;
        let hash = line.hash();
        if self.first.len() < REMEMBERED {
            self.first.push(hash);
        }
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(hash);
    }

    /// Returns whether both begin with the same lines, as far as they are known.
    fn begins_like(&self, other: &Self) -> bool {
        self.first.iter().zip(&other.first).all(|(one, other)| one == other)
    }
}

/// What was shown of a log.
#[derive(Default)]
struct ShownLog {
    lines: LineTally,
    /// The line that is not complete.
    partial: HashedLine,
}

impl ShownLog {
    fn add(&mut self, text: &[u8]) {
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            self.partial.add(piece);
            if self.partial.is_complete {
                self.lines.add(&std::mem::take(&mut self.partial));
            }
        }
    }
}

/// The place where a log goes on.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    /// The next line is not the continuation of the incomplete one.
    starts_new_line: bool,
}

/// Reads a log that is sent again, up to the place where it was left.
#[derive(Default)]
struct Resume {
    passed: LineTally,
    line: HashedLine,
    /// The offset of `line` in the log.
    begin: u64,
    /// Whether `line` begins like the incomplete line that was shown.
    matches_partial: bool,
    /// The log so far, without the first `dropped` bytes. Needed if it turns out to differ.
    held: Vec<u8>,
    dropped: u64,
    differs: bool,
}

impl Resume {
    /// Takes more of the log. Returns the place once it is reached.
    fn feed(&mut self, shown: &ShownLog, data: &[u8]) -> Option<Place> {
        self.held.extend_from_slice(data);
        let place = self.walk(shown, data);
        if place.is_none() && self.is_full() && !self.differs {
            // In a log this long the place is not searched for that far back.
            let half = self.held.len() / 2;
            self.held.drain(..half);
            self.dropped += half as u64;
        }
        place
    }

    fn is_full(&self) -> bool {
        self.held.len() > MAX_HELD
    }

    fn walk(&mut self, shown: &ShownLog, mut data: &[u8]) -> Option<Place> {
        loop {
            if let Some(place) = self.place(shown) {
                return Some(place);
            }
            if self.line.is_complete {
                self.pass(shown);
            } else if data.is_empty() {
                return None;
            } else {
                data = &data[self.step(shown, data)..];
            }
        }
    }

    /// Returns the current place if the log goes on there. Live-only lines are skipped as often as
    /// they were shown, and while an incomplete line is expected.
    fn place(&self, shown: &ShownLog) -> Option<Place> {
        if self.differs || self.passed.count < shown.lines.count {
            return None;
        }
        let (begun, is_other) = (shown.partial.length, self.line.may_be_live_only());
        let is_short = self.line.length < begun && !self.line.is_complete;
        if is_short || (is_other && self.passed.live_only < shown.lines.live_only) {
            return None;
        }
        if begun == 0 || self.matches_partial {
            return Some(Place { at: self.begin + begun, starts_new_line: false });
        }
        let is_awaited = !is_other || shown.partial.is_live_only();
        is_awaited.then_some(Place { at: self.begin, starts_new_line: true })
    }

    fn pass(&mut self, shown: &ShownLog) {
        let line = std::mem::take(&mut self.line);
        self.begin += line.length;
        self.matches_partial = false;
        self.passed.add(&line);
        let (passed, wanted) = (&self.passed, &shown.lines);
        let is_elsewhere = passed.count == wanted.count && passed.last != wanted.last;
        self.differs |= is_elsewhere || !passed.begins_like(wanted);
    }

    /// Takes the rest of the line, or as much of it as was shown.
    fn step(&mut self, shown: &ShownLog, data: &[u8]) -> usize {
        let mut taken = memchr(b'\n', data).map_or(data.len(), |end| end + 1);
        let begun = shown.partial.length;
        if let Some(missing) = begun.checked_sub(self.line.length).filter(|missing| *missing > 0) {
            taken = taken.min(usize::try_from(missing).unwrap_or(usize::MAX));
        }
        self.line.add(&data[..taken]);
        if begun > 0 && self.line.length == begun {
            self.matches_partial = self.line.hash() == shown.partial.hash();
        }
        taken
    }

    /// Finds the last lines shown in what is held: the longest run of them, of at least `at_least`,
    /// nearest to their count. Returns the offset of its end, and its count.
    fn find_last_shown(&self, shown: &ShownLog, at_least: usize) -> Option<(usize, u64)> {
        let lines = self.held_lines();
        let before = self.passed.count.saturating_sub(lines.len() as u64);
        let count_at = |end: usize| before + end as u64;
        let wanted: Vec<&LineHash> = shown.lines.last.iter().collect();
        let end = (at_least..=wanted.len()).rev().find_map(|length| {
            let run = &wanted[wanted.len() - length..];
            let is_run = |lines: &[(usize, LineHash)]| {
                lines.iter().map(|(_, line)| line).eq(run.iter().copied())
            };
            let found = lines.windows(length).enumerate().filter(|(_, lines)| is_run(lines));
            let ends = found.map(|(start, _)| start + length);
            ends.min_by_key(|end| count_at(*end).abs_diff(shown.lines.count))
        })?;
        Some((lines[end - 1].0, count_at(end)))
    }

    /// The complete lines of what is held, without those that are only live, each with its end.
    fn held_lines(&self) -> Vec<(usize, LineHash)> {
        let (mut lines, mut end) = (Vec::new(), 0);
        for text in self.held.split_inclusive(|byte| *byte == b'\n') {
            let mut line = HashedLine::default();
            line.add(text);
            end += text.len();
            if line.is_complete && !line.is_live_only() {
                lines.push((end, line.hash()));
            }
        }
        lines
    }

    fn rest(mut self, place: Place) -> Vec<u8> {
        let at = usize::try_from(place.at.saturating_sub(self.dropped)).unwrap_or(usize::MAX);
        self.held.split_off(at.min(self.held.len()))
    }
}

/// What is new in a part of the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resumed {
    /// Nothing so far.
    Nothing,
    /// This text.
    New(Bytes),
    /// The place cannot be found: this is the whole log.
    Whole(Bytes),
}

/// A log that is sent from its start on each connection.
#[derive(Default)]
pub(super) struct LogResumer {
    shown: ShownLog,
    resume: Option<Resume>,
}

impl LogResumer {
    /// Notes that the log is sent again.
    pub(super) fn restart_log(&mut self) {
        self.resume = Some(Resume::default());
    }

    /// Whether the log differs from what was shown, so that the place has to be searched for.
    pub(super) fn differs(&self) -> bool {
        self.resume.as_ref().is_some_and(|resume| resume.differs)
    }

    /// Takes more of the log. What is returned as new counts as shown.
    pub(super) fn feed(&mut self, data: Bytes) -> Resumed {
        let Some(resume) = &mut self.resume else {
            self.shown.add(&data);
            return Resumed::New(data);
        };
        match resume.feed(&self.shown, &data) {
            Some(place) => self.continue_at(place),
            None if resume.differs && resume.is_full() => self.decide(true),
            None => Resumed::Nothing,
        }
    }

    /// Notes that the log has been quiet for a while.
    pub(super) fn quiet(&mut self) -> Resumed {
        self.decide(false)
    }

    /// Notes the end of the log.
    pub(super) fn end(&mut self) -> Resumed {
        let resumed = self.decide(true);
        self.resume = None;
        resumed
    }

    /// Finds out what is new in a log that differs.
    fn decide(&mut self, is_over: bool) -> Resumed {
        let Some(resume) = self.resume.take_if(|resume| resume.differs) else {
            return Resumed::Nothing;
        };
        // A shorter one may not have caught up yet.
        let is_sure = is_over || resume.passed.count >= self.shown.lines.count;
        let at_least = if is_sure { 1 } else { self.shown.lines.last.len().max(1) };
        match resume.find_last_shown(&self.shown, at_least) {
            Some((end, count)) => self.align_at(resume, end, count),
            None if is_sure => self.restart(resume),
            None => {
                self.resume = Some(resume);
                Resumed::Nothing
            }
        }
    }

    /// Goes on after the lines that were found, and counts lines as in this log from now on.
    fn align_at(&mut self, mut found: Resume, end: usize, count: u64) -> Resumed {
        let rest = found.held.split_off(end);
        let LineTally { live_only, first, .. } = found.passed;
        let last = std::mem::take(&mut self.shown.lines.last);
        self.shown.lines = LineTally { count, live_only, first, last };
        self.resume = Some(Resume { passed: self.shown.lines.clone(), ..Resume::default() });
        self.feed(rest.into())
    }

    fn continue_at(&mut self, place: Place) -> Resumed {
        let Some(resume) = self.resume.take() else { return Resumed::Nothing };
        let rest = resume.rest(place);
        let mut text = Vec::new();
        if place.starts_new_line {
            text.push(b'\n');
            self.shown.partial = HashedLine::default();
        }
        text.extend_from_slice(&rest);
        self.shown.add(&rest);
        if text.is_empty() { Resumed::Nothing } else { Resumed::New(text.into()) }
    }

    fn restart(&mut self, log: Resume) -> Resumed {
        let begun = std::mem::take(&mut self.shown).partial.length > 0;
        self.shown.add(&log.held);
        let text = if begun { [b"\n", &log.held[..]].concat() } else { log.held };
        Resumed::Whole(text.into())
    }
}

#[cfg(test)]
mod tests;
