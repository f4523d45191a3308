//! The progress bar of an upload:
//! `Uploading: 1.68 KB / 1.68 KB [===========================] 100.00 % 0s`
//!
//! On a terminal the line is redrawn in place, at most ten times a second. Otherwise only the
//! final line is printed.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use super::caps::TermCaps;
use super::humanize::{minutes, size};

/// The maximum width of the line in columns.
pub const WIDTH: usize = 70;

/// The minimum time between two redraws.
const REDRAW: Duration = Duration::from_millis(100);

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
    live_line: Option<LiveLine>,
}

impl Progress {
    /// Creates a line for a stream with these capabilities. Nothing is drawn yet.
    pub fn new(label: &str, caps: &TermCaps, now: Instant) -> Self {
        let live_line = caps.redraws.then(|| LiveLine::new(width_on(caps)));
        Self { label: label.to_owned(), started: now, drawn: None, live_line }
    }

    /// Redraws the line on a terminal, unless it was redrawn within the last tenth of a second.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn update(
        &mut self,
        done: u64,
        total: Option<u64>,
        now: Instant,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Some(live_line) = &self.live_line else { return Ok(()) };
        if self.drawn.is_some_and(|drawn| now.saturating_duration_since(drawn) < REDRAW) {
            return Ok(());
        }
        self.drawn = Some(now);
        let elapsed = now.saturating_duration_since(self.started);
        live_line.draw(&line(&self.label, done, total, elapsed, live_line.width), out)
    }

    /// Prints the final line of a complete transfer.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn finish(self, total: u64, now: Instant, out: &mut impl Write) -> io::Result<()> {
        let width = self.live_line.as_ref().map_or(WIDTH, |live_line| live_line.width);
        if let Some(live_line) = self.live_line {
            live_line.clear(out)?;
        }
        let elapsed = now.saturating_duration_since(self.started);
        writeln!(out, "{}", line(&self.label, total, Some(total), elapsed, width))?;
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
fn width_on(caps: &TermCaps) -> usize {
    caps.width.map_or(WIDTH, |columns| WIDTH.min(usize::from(columns).saturating_sub(1).max(1)))
}

/// A line that is redrawn in place: an indicatif bar that draws to memory, copied to the stream.
#[derive(Debug)]
struct LiveLine {
    width: usize,
    line: Arc<Mutex<String>>,
    screen: Screen,
    bar: ProgressBar,
}

impl LiveLine {
    fn new(width: usize) -> Self {
        let line = Arc::new(Mutex::new(String::new()));
        let screen = Screen { bytes: Arc::default(), width: u16::try_from(width).unwrap_or(80) };
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
        let bar = ProgressBar::with_draw_target(None, target).with_style(style_of(&line));
        Self { width, line, screen, bar }
    }

    fn draw(&self, line: &str, out: &mut impl Write) -> io::Result<()> {
        // A wrapped line could not be redrawn in place.
        let line = line.chars().take(self.width).collect();
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = line;
        self.bar.force_draw();
        self.screen.copy_to(out)
    }

    fn clear(self, out: &mut impl Write) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.screen.copy_to(out)
    }
}

/// Returns a style that shows the current content of `line`.
fn style_of(line: &Arc<Mutex<String>>) -> ProgressStyle {
    let line = Arc::clone(line);
    let show = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let line = line.lock().unwrap_or_else(PoisonError::into_inner);
        // The writer is indicatif's String, which can't fail.
        let _ = out.write_str(&line);
    };
    // The template is valid, so the default style is never used.
    ProgressStyle::with_template("{line}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("line", show)
}

/// A terminal in memory that collects what indicatif draws.
#[derive(Debug, Clone)]
struct Screen {
    bytes: Arc<Mutex<String>>,
    width: u16,
}

impl Screen {
    fn push(&self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.write_fmt(text).map_err(io::Error::other)
    }

    fn copy_to(&self, out: &mut impl Write) -> io::Result<()> {
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        out.write_all(bytes.as_bytes())?;
        out.flush()
    }

    /// Moves the cursor, unless by zero steps.
    fn move_cursor(&self, steps: usize, direction: char) -> io::Result<()> {
        if steps == 0 { Ok(()) } else { self.push(format_args!("\u{1b}[{steps}{direction}")) }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.width
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.push(format_args!("{text}\r\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.push(format_args!("{text}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.push(format_args!("\r\u{1b}[2K"))
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
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
            progress.update(done, Some(100), now, &mut out).unwrap();
        }
        assert!(out.is_empty());
        progress.finish(100, start + Duration::from_secs(5), &mut out).unwrap();
        let expected = line("Uploading", 100, Some(100), Duration::from_secs(5), WIDTH);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }

    #[test]
    fn a_terminal_is_redrawn_in_place_at_most_ten_times_a_second() {
        let (start, mut out) = (Instant::now(), Vec::new());
        let mut progress = Progress::new("Uploading", &TERMINAL, start);
        for step in 0..1000_u64 {
            let now = start + Duration::from_millis(step);
            progress.update(step, Some(1000), now, &mut out).unwrap();
        }
        progress.finish(1000, start + Duration::from_secs(1), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("Uploading").count(), 11, "{text:?}");
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(text.matches("\r\u{1b}[2KUploading").count(), 10, "{text:?}");
        let last = text.rsplit('K').next().unwrap();
        assert!(text.ends_with("100.00 % 1s\n"), "{last}");
    }

    #[test]
    fn the_line_fits_a_narrow_terminal() {
        let (start, mut out) = (Instant::now(), Vec::new());
        let caps = TermCaps { width: Some(30), ..TERMINAL };
        let mut progress = Progress::new("Uploading", &caps, start);
        progress.update(5, Some(1000), start, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "Uploading: 5 B / 1000 B 0.50 ");
        let caps = TermCaps { width: Some(1), ..TERMINAL };
        let mut progress = Progress::new("Übertragung", &caps, start);
        progress.update(5, Some(1000), start, &mut Vec::new()).unwrap();
    }

    #[test]
    fn an_abandoned_line_is_ended_if_it_was_drawn() {
        let (start, mut out) = (Instant::now(), Vec::new());
        Progress::new("Uploading", &TERMINAL, start).abandon(&mut out).unwrap();
        assert!(out.is_empty());
        let mut progress = Progress::new("Uploading", &TERMINAL, start);
        progress.update(1, Some(2), start, &mut out).unwrap();
        progress.abandon(&mut out).unwrap();
        assert!(out.ends_with(b"50.00 % 0s\n"));
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
