//! The progress bar of an upload:
//! `Uploading: 1.68 KB / 1.68 KB [===========================] 100.00 % 0s`
//!
//! On a terminal the line is redrawn in place, at most ten times a second, and follows the width of
//! the terminal. After a few seconds the speed and the time left appear beside it. Otherwise only
//! the final line is printed.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::caps::TermCaps;
use super::humanize::{minutes, size};

/// The maximum width of the line in columns.
pub const WIDTH: usize = 70;

/// The minimum time between two redraws.
const REDRAW: Duration = Duration::from_millis(100);

/// The time after which the speed is shown.
const SPEED_AFTER: Duration = Duration::from_secs(3);

/// The time over which the speed is measured, and the time between two samples of it.
const SPEED_WINDOW: Duration = Duration::from_secs(10);
const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// Returns the line for `done` of `total` bytes, `width` columns wide. Without a total there is no
/// percentage; without enough room there is no bar.
pub fn line(label: &str, done: u64, total: Option<u64>, elapsed: Duration, width: usize) -> String {
    let elapsed = minutes(elapsed.as_secs());
    let Some(total) = total else {
        let (before, after) = (format!("{label}: {} ", size(done)), format!(" {elapsed}"));
        return join(&before, Share { done: 0, total: 1 }, &after, width);
    };
    let share = Share { done: done.min(total), total };
    let before = format!("{label}: {} / {} ", size(share.done), size(total));
    let after = format!(" {} % {elapsed}", share.percent());
    join(&before, share, &after, width)
}

fn join(before: &str, share: Share, after: &str, width: usize) -> String {
    const BRACKETS: usize = 2;
    match width.checked_sub(before.chars().count() + BRACKETS + after.chars().count()) {
        Some(room @ 1..) => format!("{before}[{}]{after}", share.bar(room)),
        _ => format!("{before}{}", after.trim_start()),
    }
}

/// A part of a whole. An empty whole counts as complete.
#[derive(Debug, Clone, Copy)]
struct Share {
    done: u64,
    total: u64,
}

impl Share {
    /// Returns the percentage, rounded down so that only a complete share reads 100.00.
    fn percent(self) -> String {
        let hundredths = self.of(10_000);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }

    fn bar(self, room: usize) -> String {
        let filled = usize::try_from(self.of(room as u64)).unwrap_or(room).min(room);
        let mut bar = "=".repeat(filled);
        if filled < room {
            bar.push('>');
            bar.push_str(&" ".repeat(room - filled - 1));
        }
        bar
    }

    fn of(self, scale: u64) -> u128 {
        if self.total == 0 {
            return scale.into();
        }
        u128::from(self.done) * u128::from(scale) / u128::from(self.total)
    }
}

/// The progress line of one transfer.
#[derive(Debug)]
pub struct Progress {
    label: String,
    started: Instant,
    drawn: Option<Instant>,
    speed: Speed,
    is_live: bool,
}

impl Progress {
    /// Creates a line for a stream with these capabilities. Nothing is drawn yet.
    pub fn new(label: &str, caps: &TermCaps, now: Instant) -> Self {
        let label = label.to_owned();
        let (drawn, speed) = (None, Speed::default());
        Self { label, started: now, drawn, speed, is_live: caps.redraws }
    }

    /// Redraws the line on a terminal of this width, unless it was redrawn within the last tenth
    /// of a second.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn update(
        &mut self,
        done: u64,
        total: impl Into<Option<u64>>,
        width: Option<u16>,
        now: Instant,
        out: &mut impl Write,
    ) -> io::Result<()> {
        self.speed.sample(done, now);
        let is_due = self.drawn.is_none_or(|drawn| now.saturating_duration_since(drawn) >= REDRAW);
        if !self.is_live || !is_due {
            return Ok(());
        }
        self.drawn = Some(now);
        let elapsed = now.saturating_duration_since(self.started);
        let columns = columns(width);
        let mut text = match total.into() {
            Some(total) => {
                let left = total - done.min(total);
                let speed = (elapsed >= SPEED_AFTER).then(|| self.speed.text(left)).flatten();
                line_with(&self.label, done, total, elapsed, columns, speed)
            }
            None => line(&self.label, done, None, elapsed, columns.min(WIDTH)),
        };
        truncate(&mut text, columns);
        // The cursor stays at the start of the line. If the terminal becomes narrower and wraps the
        // line, everything from there on is cleared, so that the line never leaves remains.
        write!(out, "\r\u{1b}[2K\u{1b}[J{text}\r")?;
        out.flush()
    }

    /// Prints the final line of a complete transfer.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn finish(
        self,
        total: u64,
        width: Option<u16>,
        now: Instant,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let clear = if self.drawn.is_some() { "\r\u{1b}[2K\u{1b}[J" } else { "" };
        let width = if self.is_live { columns(width).min(WIDTH) } else { WIDTH };
        let elapsed = now.saturating_duration_since(self.started);
        writeln!(out, "{clear}{}", line(&self.label, total, Some(total), elapsed, width))?;
        out.flush()
    }

    /// Leaves the line as last drawn, so that later output starts below it.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn abandon(self, out: &mut impl Write) -> io::Result<()> {
        if self.drawn.is_none() {
            return Ok(());
        }
        out.write_all(b"\n")?;
        out.flush()
    }
}

/// Leaves one column free: some terminals wrap when the last one is written.
fn columns(width: Option<u16>) -> usize {
    width.map_or(WIDTH, |width| usize::from(width).saturating_sub(1).max(1))
}

/// Returns the line with the speed beside it, if there is room for both.
fn line_with(
    label: &str,
    done: u64,
    total: u64,
    elapsed: Duration,
    columns: usize,
    speed: Option<String>,
) -> String {
    let beside = speed.map_or(String::new(), |speed| format!(", {speed}"));
    let width = columns.saturating_sub(beside.len()).min(WIDTH);
    let with_speed = line(label, done, Some(total), elapsed, width) + &beside;
    if with_speed.chars().count() <= columns {
        return with_speed;
    }
    line(label, done, Some(total), elapsed, columns.min(WIDTH))
}

fn truncate(text: &mut String, columns: usize) {
    if let Some((end, _)) = text.char_indices().nth(columns) {
        text.truncate(end);
    }
}

/// The speed of a transfer, measured over the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Speed {
    samples: VecDeque<(Instant, u64)>,
}

impl Speed {
    /// Records the number of bytes done. A transfer that starts again is measured anew.
    pub(crate) fn sample(&mut self, done: u64, now: Instant) {
        if self.samples.back().is_some_and(|(_, before)| done < *before) {
            self.samples.clear();
        }
        let is_recent =
            |(then, _): &(Instant, u64)| now.saturating_duration_since(*then) < SAMPLE_EVERY;
        // The newest sample is replaced until it is old enough to be kept.
        if self.samples.len() > 1 && self.samples.iter().rev().nth(1).is_some_and(is_recent) {
            self.samples.pop_back();
        }
        self.samples.push_back((now, done));
        while self.samples.len() > 2
            && self
                .samples
                .get(1)
                .is_some_and(|(then, _)| now.saturating_duration_since(*then) >= SPEED_WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Returns the speed and the time that the bytes left will take, for example
    /// `4.20 MB/s, 1m5s left`. `None` while nothing is known.
    pub(crate) fn text(&self, left: u64) -> Option<String> {
        let ((then, from), (now, to)) = (self.samples.front()?, self.samples.back()?);
        let millis = u64::try_from(now.saturating_duration_since(*then).as_millis()).ok()?;
        let per_second = (to - from).saturating_mul(1000).checked_div(millis)?;
        let speed = format!("{}/s", size(per_second));
        match left.checked_div(per_second) {
            Some(seconds) => Some(format!("{speed}, {} left", minutes(seconds))),
            None => Some(speed),
        }
    }
}

#[cfg(test)]
mod tests;
