//! The progress bar of an upload:
//! `Uploading: 1.68 KB / 1.68 KB [===========================] 100.00 % 0s`
//!
//! On a terminal the line is redrawn in place, at most ten times a second, and follows the width of
//! the terminal. After a few seconds the speed and the time left appear beside it. Otherwise only
//! the final line is printed.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::caps::TermCaps;
use super::humanize::{minutes, size};
use super::speed::Speed;

/// The maximum width of the line in columns.
pub const WIDTH: usize = 70;

/// The minimum time between two redraws.
const REDRAW: Duration = Duration::from_millis(100);

/// The time after which the speed is shown.
const SPEED_AFTER: Duration = Duration::from_secs(3);

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
        total: u64,
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
        let speed = (elapsed >= SPEED_AFTER).then(|| self.speed.text(total - done.min(total)));
        let columns = columns(width);
        let mut text = line_with(&self.label, done, total, elapsed, columns, speed.flatten());
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TERMINAL: TermCaps = TermCaps {
        is_terminal: true,
        color: super::super::color::Color::Off,
        redraws: true,
        width: Some(80),
    };

    fn upload_line(done: u64, total: u64, width: usize) -> String {
        line("Uploading", done, Some(total), Duration::ZERO, width)
    }

    #[test]
    fn the_final_line_has_the_form_and_width_of_the_guide() {
        let expected = "Uploading: 1.68 KB / 1.68 KB [===========================] 100.00 % 0s";
        assert_eq!(expected.len(), WIDTH);
        assert_eq!(upload_line(1720, 1720, WIDTH), expected);
    }

    #[test]
    fn an_unfinished_line_shows_the_progress() {
        let line = line("Uploading", 512, Some(2048), Duration::from_secs(65), WIDTH);
        assert_eq!(line, "Uploading: 512 B / 2.00 KB [=======>                    ] 25.00 % 1m5s");
    }

    #[test]
    fn an_empty_transfer_is_complete_and_progress_is_capped_at_the_total() {
        assert!(upload_line(0, 0, WIDTH).ends_with("=] 100.00 % 0s"));
        assert_eq!(upload_line(5, 4, WIDTH), upload_line(4, 4, WIDTH));
    }

    #[test]
    fn only_a_complete_transfer_reads_a_hundred_percent() {
        assert!(upload_line(999_999, 1_000_000, WIDTH).ends_with("] 99.99 % 0s"));
    }

    #[test]
    fn without_a_total_there_is_no_percentage() {
        let line = line("Uploading", 1720, None, Duration::from_secs(3), WIDTH);
        assert!(line.starts_with("Uploading: 1.68 KB [>  ") && line.ends_with("  ] 3s"), "{line}");
    }

    #[test]
    fn a_narrow_line_has_a_short_bar_or_none_at_all() {
        assert_eq!(upload_line(1720, 1720, 46), "Uploading: 1.68 KB / 1.68 KB [===] 100.00 % 0s");
        assert_eq!(upload_line(1720, 1720, 40), "Uploading: 1.68 KB / 1.68 KB 100.00 % 0s");
    }

    #[test]
    fn a_pipe_gets_the_final_line_only() {
        let (start, mut out) = (Instant::now(), Vec::new());
        let mut progress = Progress::new("Uploading", &TermCaps::plain(), start);
        for done in 0..100 {
            let now = start + Duration::from_millis(50 * done);
            progress.update(done, 100, TERMINAL.width, now, &mut out).unwrap();
        }
        assert!(out.is_empty());
        progress.finish(100, TERMINAL.width, start + Duration::from_secs(5), &mut out).unwrap();
        let expected = line("Uploading", 100, Some(100), Duration::from_secs(5), WIDTH);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }

    #[test]
    fn a_terminal_is_redrawn_in_place_at_most_ten_times_a_second() {
        let (start, mut out) = (Instant::now(), Vec::new());
        let mut progress = Progress::new("Uploading", &TERMINAL, start);
        for step in 0..1000_u64 {
            let now = start + Duration::from_millis(step);
            progress.update(step, 1000, TERMINAL.width, now, &mut out).unwrap();
        }
        progress.finish(1000, TERMINAL.width, start + Duration::from_secs(1), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("Uploading").count(), 11, "{text:?}");
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(text.matches("\r\u{1b}[2K\u{1b}[JUploading").count(), 11, "{text:?}");
        let last = text.rsplit('K').next().unwrap();
        assert!(text.ends_with("100.00 % 1s\n"), "{last}");
    }

    /// Draws the progress at one point of time, and returns what is on the line.
    fn drawn(progress: &mut Progress, done: u64, width: u16, now: Instant) -> String {
        let mut out = Vec::new();
        progress.update(done, 100_000_000, Some(width), now, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line =
            text.strip_prefix("\r\u{1b}[2K\u{1b}[J").and_then(|text| text.strip_suffix('\r'));
        line.unwrap_or_else(|| panic!("{text:?}")).to_owned()
    }

    #[test]
    fn the_line_follows_the_width_of_the_terminal() {
        let start = Instant::now();
        let mut progress = Progress::new("Übertragung", &TERMINAL, start);
        for (step, width) in [100, 80, 60, 40, 30, 10, 1, 0, 70].into_iter().enumerate() {
            let now = start + REDRAW * u32::try_from(step).unwrap();
            let line = drawn(&mut progress, 5_000_000, width, now);
            let columns = usize::from(width).saturating_sub(1).max(1);
            assert!(line.chars().count() <= columns, "{width}: {line}");
            assert_eq!(line.contains('['), width > 45, "{width}: {line}");
        }
    }

    #[test]
    fn the_speed_and_the_time_left_appear_beside_the_bar_after_some_seconds() {
        let start = Instant::now();
        let mut progress = Progress::new("Uploading", &TERMINAL, start);
        let mut line = String::new();
        for step in 0..=50_u32 {
            // 1 MB each tenth of a second, after 20 MB that were sent before.
            let done = 20_000_000 + 1_000_000 * u64::from(step);
            line = drawn(&mut progress, done, 100, start + REDRAW * step);
            assert_eq!(line.contains("/s"), step >= 30, "{step}: {line}");
        }
        assert!(line.ends_with("] 70.00 % 5s, 9.54 MB/s, 3s left"), "{line}");
        assert_eq!(line.len(), WIDTH + ", 9.54 MB/s, 3s left".len());
        let narrow = drawn(&mut progress, 70_000_000, 80, start + REDRAW * 51);
        assert!(narrow.len() == 79 && narrow.contains('[') && narrow.ends_with("left"), "{narrow}");
        let narrower = drawn(&mut progress, 70_000_000, 50, start + REDRAW * 52);
        assert!(narrower.len() == 49 && !narrower.contains("/s"), "{narrower}");
    }

    #[test]
    fn an_abandoned_line_is_ended_if_it_was_drawn() {
        let (start, mut out) = (Instant::now(), Vec::new());
        Progress::new("Uploading", &TERMINAL, start).abandon(&mut out).unwrap();
        assert!(out.is_empty());
        let mut progress = Progress::new("Uploading", &TERMINAL, start);
        progress.update(1, 2, TERMINAL.width, start, &mut out).unwrap();
        progress.abandon(&mut out).unwrap();
        assert!(out.ends_with(b"50.00 % 0s\r\n"));
    }

    proptest! {
        #[test]
        fn a_line_with_a_bar_has_exactly_the_given_width(
            done: u64, total: Option<u64>, seconds in 0..100_000_u64, width in 0..200_usize,
        ) {
            let line = line("Uploading", done, total, Duration::from_secs(seconds), width);
            if line.contains('[') {
                prop_assert_eq!(line.len(), width);
            }
        }

        #[test]
        fn the_final_line_has_equal_sides(total: u64) {
            let line = upload_line(total, total, WIDTH);
            let size = size(total);
            let start = format!("Uploading: {size} / {size} [=");
            prop_assert!(line.starts_with(&start) && line.ends_with("=] 100.00 % 0s"), "{}", line);
            prop_assert_eq!(line.len(), WIDTH);
        }
    }
}
