//! Going on in a build log that is sent from its start again.
//!
//! The log kept after a build is not the live one byte for byte: some lines are only live (v3). So
//! the others are counted. A log with the last lines shown at the same count goes on there; in one
//! that differs the nearest place that has them is looked for. A log that begins alike and has
//! fewer lines has not caught up yet.

use std::collections::VecDeque;

use bytes::Bytes;
use memchr::memchr;
use sha2::{Digest, Sha256};

/// How many of the first and of the last lines shown are remembered.
const REMEMBERED: usize = 8;
/// How the lines begin that only a live log has.
const LIVE_ONLY: [&[u8]; 2] = [b"waiting for build pod", b"build log stream interrupted"];
/// What of a line's beginning tells whether it is one of them.
const TELLING: usize = 32;
/// The most of a log that is held back to find the place in it.
const HELD_MOST: usize = 16 << 20;

type LineHash = [u8; 32];

/// A line of any length, as it comes.
#[derive(Clone, Default)]
struct Line {
    length: u64,
    hash: Sha256,
    beginning: Vec<u8>,
    is_complete: bool,
}

impl Line {
    /// Adds a part that ends with the line's newline or has none.
    fn add(&mut self, part: &[u8]) {
        let missing = TELLING.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&part[..part.len().min(missing)]);
        self.length += part.len() as u64;
        self.hash.update(part);
        self.is_complete = part.ends_with(b"\n");
    }

    fn print(&self) -> LineHash {
        self.hash.clone().finalize().into()
    }

    fn is_live_only(&self) -> bool {
        LIVE_ONLY.iter().any(|mark| self.beginning.starts_with(mark))
    }

    /// Is it one that only a live log has, or may it turn out to be?
    fn may_be_live_only(&self) -> bool {
        let begins = |mark: &&[u8]| !self.is_complete && mark.starts_with(&self.beginning);
        self.is_live_only() || LIVE_ONLY.iter().any(begins)
    }
}

/// Complete lines.
#[derive(Clone, Default)]
struct Lines {
    /// How many there are, without those that are only live.
    count: u64,
    live_only: u64,
    first: Vec<LineHash>,
    last: VecDeque<LineHash>,
}

impl Lines {
    fn add(&mut self, line: &Line) {
        if line.is_live_only() {
            self.live_only += 1;
            return;
        }
        self.count += 1;
        let print = line.print();
        if self.first.len() < REMEMBERED {
            self.first.push(print);
        }
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(print);
    }

    /// Do both begin with the same lines, as far as they go?
    fn begins_like(&self, other: &Self) -> bool {
        self.first.iter().zip(&other.first).all(|(one, other)| one == other)
    }
}

/// What was shown of a log.
#[derive(Default)]
struct Shown {
    lines: Lines,
    /// The line that is not complete.
    partial: Line,
}

impl Shown {
    fn add(&mut self, text: &[u8]) {
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            self.partial.add(piece);
            if self.partial.is_complete {
                self.lines.add(&std::mem::take(&mut self.partial));
            }
        }
    }
}

/// Where a log goes on, in what of it is held.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    /// The line that was begun is not the one that follows.
    begins_anew: bool,
}

/// A log on its way again, up to the place where it was left.
#[derive(Default)]
struct Rejoin {
    passed: Lines,
    line: Line,
    /// Where `line` begins in the log.
    begin: u64,
    /// Does `line` begin as the one that was not shown to its end?
    is_alike: bool,
    /// The log so far, since it may turn out to differ, without the first `dropped` bytes.
    held: Vec<u8>,
    dropped: u64,
    differs: bool,
}

impl Rejoin {
    /// Takes the next piece; gives the place once it is reached.
    fn feed(&mut self, shown: &Shown, data: &[u8]) -> Option<Place> {
        self.held.extend_from_slice(data);
        let place = self.walk(shown, data);
        if place.is_none() && self.is_full() && !self.differs {
            // In so long a log the place is not looked for that far back.
            let half = self.held.len() / 2;
            self.held.drain(..half);
            self.dropped += half as u64;
        }
        place
    }

    fn is_full(&self) -> bool {
        self.held.len() > HELD_MOST
    }

    fn walk(&mut self, shown: &Shown, mut data: &[u8]) -> Option<Place> {
        loop {
            if let Some(place) = self.arrived(shown) {
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

    /// Is this the place? Lines that are only live are passed over as often as they were shown, and
    /// while a line that was begun is to come.
    fn arrived(&self, shown: &Shown) -> Option<Place> {
        if self.differs || self.passed.count < shown.lines.count {
            return None;
        }
        let (begun, is_other) = (shown.partial.length, self.line.may_be_live_only());
        let is_short = self.line.length < begun && !self.line.is_complete;
        if is_short || (is_other && self.passed.live_only < shown.lines.live_only) {
            return None;
        }
        if begun == 0 || self.is_alike {
            return Some(Place { at: self.begin + begun, begins_anew: false });
        }
        let is_awaited = !is_other || shown.partial.is_live_only();
        is_awaited.then_some(Place { at: self.begin, begins_anew: true })
    }

    fn pass(&mut self, shown: &Shown) {
        let line = std::mem::take(&mut self.line);
        self.begin += line.length;
        self.is_alike = false;
        self.passed.add(&line);
        let (passed, wanted) = (&self.passed, &shown.lines);
        let is_elsewhere = passed.count == wanted.count && passed.last != wanted.last;
        self.differs |= is_elsewhere || !passed.begins_like(wanted);
    }

    /// Takes the rest of the line, or up to where the line was left.
    fn step(&mut self, shown: &Shown, data: &[u8]) -> usize {
        let mut taken = memchr(b'\n', data).map_or(data.len(), |end| end + 1);
        let begun = shown.partial.length;
        if let Some(missing) = begun.checked_sub(self.line.length).filter(|missing| *missing > 0) {
            taken = taken.min(usize::try_from(missing).unwrap_or(usize::MAX));
        }
        self.line.add(&data[..taken]);
        if begun > 0 && self.line.length == begun {
            self.is_alike = self.line.print() == shown.partial.print();
        }
        taken
    }

    /// Where the last lines shown end: the longest run of them, of at least so many, at the place
    /// nearest to their count. Gives the bytes of what is held before it, and its count.
    fn reconcile(&self, shown: &Shown, at_least: usize) -> Option<(usize, u64)> {
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
            let mut line = Line::default();
            line.add(text);
            end += text.len();
            if line.is_complete && !line.is_live_only() {
                lines.push((end, line.print()));
            }
        }
        lines
    }

    fn rest(mut self, place: Place) -> Vec<u8> {
        let at = usize::try_from(place.at.saturating_sub(self.dropped)).unwrap_or(usize::MAX);
        self.held.split_off(at.min(self.held.len()))
    }
}

/// What a piece of the log is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resumed {
    /// Nothing that is new, so far.
    NotYet,
    /// This is new.
    Here(Bytes),
    /// The place is not to be found: this is the whole log.
    Whole(Bytes),
}

/// A log that is sent from its start each time.
#[derive(Default)]
pub(super) struct LogResumer {
    shown: Shown,
    resume: Option<Rejoin>,
}

impl LogResumer {
    /// The log is sent again.
    pub(super) fn again(&mut self) {
        self.resume = Some(Rejoin::default());
    }

    /// Is it another text than the one that was shown, so that the place is to be searched for?
    pub(super) fn is_searched(&self) -> bool {
        self.resume.as_ref().is_some_and(|resume| resume.differs)
    }

    /// Takes the next piece; what is new in it counts as shown.
    pub(super) fn feed(&mut self, data: Bytes) -> Resumed {
        let Some(resume) = &mut self.resume else {
            self.shown.add(&data);
            return Resumed::Here(data);
        };
        match resume.feed(&self.shown, &data) {
            Some(place) => self.go_on(place),
            None if resume.differs && resume.is_full() => self.decide(true),
            None => Resumed::NotYet,
        }
    }

    /// The log has been quiet for a while.
    pub(super) fn quiet(&mut self) -> Resumed {
        self.decide(false)
    }

    /// The log has ended.
    pub(super) fn end(&mut self) -> Resumed {
        let joined = self.decide(true);
        self.resume = None;
        joined
    }

    /// What of a log that differs was not shown yet?
    fn decide(&mut self, is_over: bool) -> Resumed {
        let Some(resume) = self.resume.take_if(|resume| resume.differs) else {
            return Resumed::NotYet;
        };
        // One that is shorter may only be on its way still.
        let is_sure = is_over || resume.passed.count >= self.shown.lines.count;
        let at_least = if is_sure { 1 } else { self.shown.lines.last.len().max(1) };
        match resume.reconcile(&self.shown, at_least) {
            Some((end, count)) => self.settle(resume, end, count),
            None if is_sure => self.whole(resume),
            None => {
                self.resume = Some(resume);
                Resumed::NotYet
            }
        }
    }

    /// Goes on behind the lines that were found: from now on they count as in this log.
    fn settle(&mut self, mut found: Rejoin, end: usize, count: u64) -> Resumed {
        let rest = found.held.split_off(end);
        let Lines { live_only, first, .. } = found.passed;
        let last = std::mem::take(&mut self.shown.lines.last);
        self.shown.lines = Lines { count, live_only, first, last };
        self.resume = Some(Rejoin { passed: self.shown.lines.clone(), ..Rejoin::default() });
        self.feed(rest.into())
    }

    fn go_on(&mut self, place: Place) -> Resumed {
        let Some(resume) = self.resume.take() else { return Resumed::NotYet };
        let rest = resume.rest(place);
        let mut text = Vec::new();
        if place.begins_anew {
            text.push(b'\n');
            self.shown.partial = Line::default();
        }
        text.extend_from_slice(&rest);
        self.shown.add(&rest);
        if text.is_empty() { Resumed::NotYet } else { Resumed::Here(text.into()) }
    }

    fn whole(&mut self, log: Rejoin) -> Resumed {
        let begun = std::mem::take(&mut self.shown).partial.length > 0;
        self.shown.add(&log.held);
        let text = if begun { [b"\n", &log.held[..]].concat() } else { log.held };
        Resumed::Whole(text.into())
    }
}

#[cfg(test)]
mod tests;
