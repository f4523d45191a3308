//! Merges the logs of several apps in the order of time.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::prefix::LogPrefix;

/// How long a line waits for older ones of other apps.
const HOLD: Duration = Duration::from_millis(500);
/// The most lines of an app that wait.
const MAX_HELD: usize = 100_000;

/// The lines that wait. A line is released once no other app can still have an older one: each has a
/// line that waits, or has ended, or has had [`HOLD`] to send one.
pub(super) struct Merge {
    logs: Vec<Waiting>,
    /// The logs end by themselves, so their lines can wait for each other as long as that takes.
    all_end: bool,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Line>,
    /// The beginning of a line.
    partial: BytesMut,
    /// The time of the last line: lines without one follow it.
    time: Option<DateTime<Utc>>,
    has_ended: bool,
}

struct Line {
    time: Option<DateTime<Utc>>,
    arrived: Instant,
    text: Bytes,
}

impl Merge {
    /// Merges so many logs. `all_end` if none is followed.
    pub(super) fn new(count: usize, all_end: bool) -> Self {
        Self { logs: (0..count).map(|_| Waiting::default()).collect(), all_end }
    }

    /// Takes text of the log with this index.
    pub(super) fn push(&mut self, index: usize, text: &[u8], now: Instant) {
        if let Some(log) = self.logs.get_mut(index) {
            for part in text.split_inclusive(|byte| *byte == b'\n') {
                log.partial.extend_from_slice(part);
                if part.ends_with(b"\n") {
                    log.end_line(now);
                }
            }
        }
    }

    /// Notes the end of the log with this index.
    pub(super) fn end(&mut self, index: usize, now: Instant) {
        if let Some(log) = self.logs.get_mut(index) {
            log.has_ended = true;
            if !log.partial.is_empty() {
                log.partial.extend_from_slice(b"\n");
                log.end_line(now);
            }
        }
    }

    /// When the next line is released, even if no other arrives.
    pub(super) fn next_release(&self) -> Option<Instant> {
        let (_, oldest) = self.oldest().filter(|_| !self.all_end)?;
        Some(oldest.arrived + HOLD)
    }

    /// Returns the lines that are released, in order; those of one app that follow each other are
    /// together, with the index of its log.
    pub(super) fn release(&mut self, now: Instant) -> Vec<(usize, BytesMut)> {
        let mut released: Vec<(usize, BytesMut)> = Vec::new();
        while let Some((index, text)) = self.pop(now) {
            match released.last_mut().filter(|(last, _)| *last == index) {
                Some((_, lines)) => lines.extend_from_slice(&text),
                None => released.push((index, BytesMut::from(&text[..]))),
            }
        }
        released
    }

    fn pop(&mut self, now: Instant) -> Option<(usize, Bytes)> {
        let (index, oldest) = self.oldest()?;
        let is_due = !self.all_end && now >= oldest.arrived + HOLD;
        let is_first = self.logs.iter().all(|log| log.has_ended || !log.lines.is_empty());
        let is_full = self.logs.iter().any(|log| log.lines.len() > MAX_HELD);
        if !(is_due || is_first || is_full) {
            return None;
        }
        let line = self.logs.get_mut(index)?.lines.pop_front()?;
        Some((index, line.text))
    }

    /// The oldest line that waits, with the index of its log.
    fn oldest(&self) -> Option<(usize, &Line)> {
        let first = |(index, log): (usize, &'_ Waiting)| log.lines.front().map(|_| index);
        let index = self
            .logs
            .iter()
            .enumerate()
            .filter_map(first)
            .min_by_key(|index| self.logs[*index].lines.front().map(|line| line.time))?;
        Some((index, self.logs[index].lines.front()?))
    }
}

impl Waiting {
    fn end_line(&mut self, now: Instant) {
        let text = self.partial.split().freeze();
        let prefix = String::from_utf8_lossy(&text);
        self.time = LogPrefix::parse(prefix.trim_end()).map(|prefix| prefix.time).or(self.time);
        self.lines.push_back(Line { time: self.time, arrived: now, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: u32, text: &str) -> String {
        format!("2026-02-03T04:05:{second:02}Z service/web/1 {text}\n")
    }

    fn released(merge: &mut Merge, now: Instant) -> Vec<(usize, String)> {
        let text = |lines: BytesMut| String::from_utf8(lines.to_vec()).unwrap();
        merge.release(now).into_iter().map(|(index, lines)| (index, text(lines))).collect()
    }

    #[test]
    fn lines_are_released_in_the_order_of_their_times() {
        let (mut merge, now) = (Merge::new(2, true), Instant::now());
        merge.push(0, (line(1, "a") + "  at main.js\n" + &line(4, "d")).as_bytes(), now);
        assert_eq!(released(&mut merge, now), [], "the other log may begin earlier");
        merge.push(1, (line(2, "b") + &line(3, "c")).as_bytes(), now);
        let first = (0, line(1, "a") + "  at main.js\n");
        assert_eq!(released(&mut merge, now), [first, (1, line(2, "b") + &line(3, "c"))]);
        assert_eq!(released(&mut merge, now + HOLD), [], "it has not ended");
        merge.end(1, now);
        assert_eq!(released(&mut merge, now), [(0, line(4, "d"))]);
    }

    #[test]
    fn a_quiet_log_does_not_hold_the_others_back_for_long() {
        let (mut merge, now) = (Merge::new(2, false), Instant::now());
        assert_eq!(merge.next_release(), None);
        merge.push(0, line(5, "a").as_bytes(), now);
        assert_eq!(released(&mut merge, now), []);
        assert_eq!(merge.next_release(), Some(now + HOLD));
        assert_eq!(released(&mut merge, now + HOLD), [(0, line(5, "a"))]);
    }

    #[test]
    fn a_line_is_complete_before_it_is_released() {
        let (mut merge, now) = (Merge::new(1, true), Instant::now());
        merge.push(0, b"2026-02-03T04:05:06Z service/web/1 half", now);
        assert_eq!(released(&mut merge, now), []);
        merge.push(0, b" and half\nrest", now);
        let whole = "2026-02-03T04:05:06Z service/web/1 half and half\n".to_owned();
        assert_eq!(released(&mut merge, now), [(0, whole)]);
        merge.end(0, now);
        assert_eq!(released(&mut merge, now), [(0, "rest\n".to_owned())]);
    }
}
