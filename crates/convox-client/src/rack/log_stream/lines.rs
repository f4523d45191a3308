//! The lines of an app's log, each of them once.
//!
//! A line is judged by its head alone: what follows is passed on as it comes, or dropped, so that
//! memory stays flat however long a line is.

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use memchr::{memchr, memchr_iter, memrchr};

use super::window::{Entry, SeenLines};

/// How much of a line is waited for before it is judged: 1 MiB.
const HEAD: usize = 1 << 20;

/// What came of the log, over all attachments.
pub(super) struct Lines {
    window: SeenLines,
    /// A line that is not complete, and no longer than a head.
    partial: BytesMut,
    /// A longer one, whose head was judged.
    long: Option<PartialLine>,
    /// A long line that was cut before its end.
    broken: Option<PartialLine>,
    head: usize,
}

/// A line of which parts are passed on before it is complete.
struct PartialLine {
    entry: Entry,
    /// How many of its bytes have come in this attachment.
    come: u64,
    /// How many of them were shown.
    shown: u64,
}

/// Longer than any line: one that was shown to its end.
const WHOLE: u64 = u64::MAX;

impl Default for Lines {
    fn default() -> Self {
        Self::judged_by(HEAD)
    }
}

impl Lines {
    fn judged_by(head: usize) -> Self {
        let (window, partial) = (SeenLines::default(), BytesMut::new());
        Self { window, partial, long: None, broken: None, head }
    }

    /// The time of the newest line shown.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        self.window.newest()
    }

    /// The log is sent again, from some line on.
    pub(super) fn attached_again(&mut self) {
        self.window.attached_again();
    }

    /// The attachment was cut: its last line, if not complete, comes again.
    pub(super) fn cut(&mut self) {
        self.partial.clear();
        if let Some(long) = self.long.take().filter(|long| long.shown != WHOLE) {
            self.broken = Some(PartialLine { come: 0, ..long });
        }
    }

    /// The log has ended: what is left of a line without its end.
    pub(super) fn end(&mut self) -> Bytes {
        let rest = self.partial.split().freeze();
        self.cut();
        rest
    }

    /// Takes what came; gives what of it is new: complete lines, and parts of long ones.
    pub(super) fn feed(&mut self, data: &Bytes) -> Bytes {
        match self.long.take() {
            Some(long) => self.go_on(long, data),
            None => self.start(data),
        }
    }

    /// More of a long line, and what follows it.
    fn go_on(&mut self, mut long: PartialLine, data: &Bytes) -> Bytes {
        let Some(end) = memchr(b'\n', data) else {
            let known = long.take(data.len());
            self.long = Some(long);
            return data.slice(known..);
        };
        let known = long.take(end);
        let rest = match long.shown {
            WHOLE => Bytes::new(),
            _ => data.slice(known..=end),
        };
        joined(rest, self.start(&data[end + 1..]))
    }

    /// Bytes from the start of a line on, or from where the partial one stands.
    fn start(&mut self, data: &[u8]) -> Bytes {
        let before = self.partial.len();
        self.partial.extend_from_slice(data);
        let lines = match memrchr(b'\n', data) {
            Some(last) => {
                let complete = self.partial.split_to(before + last + 1).freeze();
                self.complete(complete)
            }
            None => Bytes::new(),
        };
        if self.partial.len() < self.head { lines } else { joined(lines, self.begin()) }
    }

    /// Those of these lines that are new.
    fn complete(&mut self, lines: Bytes) -> Bytes {
        if !self.window.is_repeating() && self.broken.is_none() {
            lines_of(&lines).for_each(|line| self.window.note(head(line, self.head)));
            return lines;
        }
        let mut new = BytesMut::with_capacity(lines.len());
        for line in lines_of(&lines) {
            let mut judged = self.judge(line, &mut new);
            if judged.shown != WHOLE {
                new.extend_from_slice(&line[judged.take(line.len())..]);
                new.extend_from_slice(b"\n");
            }
        }
        new.freeze()
    }

    /// The partial line is long enough to be judged: what of it is new.
    fn begin(&mut self) -> Bytes {
        let (line, mut new) = (self.partial.split(), BytesMut::new());
        let mut long = self.judge(&line, &mut new);
        new.extend_from_slice(&line[long.take(line.len())..]);
        self.long = Some(long);
        new.freeze()
    }

    /// How much of a line was shown. One that is new ends a line that was left open.
    fn judge(&mut self, line: &[u8], new: &mut BytesMut) -> PartialLine {
        let entry = self.window.entry(head(line, self.head));
        let goes_on =
            |broken: &mut PartialLine| broken.entry == entry && self.window.is_last(entry);
        let broken = self.broken.take_if(goes_on);
        let is_new = self.window.admit(entry);
        if let Some(broken) = broken {
            return broken;
        }
        if is_new && let Some(broken) = self.broken.take() {
            new.extend_from_slice(b"\n");
            // It comes yet, and is shown from its start.
            self.window.spend(broken.entry);
        }
        PartialLine { entry, come: 0, shown: if is_new { 0 } else { WHOLE } }
    }
}

impl PartialLine {
    /// Takes this many bytes more; tells how many of them were shown before.
    fn take(&mut self, count: usize) -> usize {
        let known = usize::try_from(self.shown - self.come).unwrap_or(usize::MAX).min(count);
        self.come += count as u64;
        self.shown = self.shown.max(self.come);
        known
    }
}

fn head(line: &[u8], max: usize) -> &[u8] {
    &line[..line.len().min(max)]
}

fn joined(first: Bytes, second: Bytes) -> Bytes {
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second,
        (_, true) => first,
        _ => [first, second].concat().into(),
    }
}

/// The lines of a text that ends in a newline, without their ends.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', text).map(move |end| &text[std::mem::replace(&mut start, end + 1)..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEP: usize = 7;

    fn line(second: u32, text: &str) -> String {
        format!("2026-02-03T04:05:{second:02}Z service/web/1 {text}\n")
    }

    /// Feeds a text in small steps; no more than a head and a step is held.
    fn feed(lines: &mut Lines, text: &str, shown: &mut Vec<u8>) {
        for piece in text.as_bytes().chunks(STEP) {
            shown.extend_from_slice(&lines.feed(&Bytes::copy_from_slice(piece)));
            assert!(lines.partial.len() < lines.head + STEP);
        }
    }

    /// What is shown when each of these texts comes in an attachment of its own.
    fn shown(attachments: &[&str]) -> String {
        let (mut lines, mut shown) = (Lines::judged_by(64), Vec::new());
        for (number, text) in attachments.iter().enumerate() {
            if number > 0 {
                lines.cut();
                lines.attached_again();
            }
            feed(&mut lines, text, &mut shown);
        }
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn a_long_line_is_handed_on_before_its_end() {
        let text = line(1, &"x".repeat(200));
        let begun = shown(&[&text[..150]]);
        assert!(begun.len() > 140 && text.starts_with(&begun), "{begun}");
        assert_eq!(shown(&[&text]), text);
    }

    #[test]
    fn a_long_line_that_was_cut_goes_on_where_it_stood() {
        let text = line(1, "a") + &line(1, &"x".repeat(200)) + &line(2, "b");
        assert_eq!(shown(&[&text[..200], &text]), text);
        assert_eq!(shown(&[&text[..200], &text[..130], &text[..250], &text]), text);
    }

    #[test]
    fn a_long_line_that_was_shown_is_not_shown_again() {
        let text = line(1, &"x".repeat(200)) + &line(1, &"x".repeat(200)) + &line(2, "b");
        assert_eq!(shown(&[&text, &text]), text);
        assert_eq!(shown(&[&text[..300], &text]), text);
    }

    #[test]
    fn a_long_line_that_does_not_come_next_is_ended_and_shown_whole_when_it_comes() {
        let long = line(1, &"x".repeat(200));
        let (cut, other) = (&long[..150], line(2, "other"));
        let begun = shown(&[cut]);
        assert_eq!(shown(&[cut, &other]), format!("{begun}\n{other}"));
        assert_eq!(shown(&[cut, &(other.clone() + &long)]), format!("{begun}\n{other}{long}"));
    }

    proptest! {
        #[test]
        fn a_log_with_long_lines_is_shown_once_over_any_cuts(
            texts in prop::collection::vec((0u32..4, "[ab]", 0usize..90), 0..12),
            cuts in prop::collection::vec(0.0f64..1.0, 0..4),
        ) {
            let mut texts = texts;
            texts.sort();
            let log: String =
                texts.iter().map(|(second, text, count)| line(*second, &text.repeat(*count))).collect();
            let mut cuts: Vec<usize> =
                cuts.iter().map(|cut| (log.len() as f64 * cut) as usize).collect();
            cuts.sort_unstable();
            let attachments: Vec<&str> =
                cuts.iter().map(|cut| &log[..*cut]).chain([log.as_str()]).collect();
            prop_assert_eq!(shown(&attachments), log);
        }
    }
}
