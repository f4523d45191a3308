//! Shows each line of an app's log once, over all reconnects.
//!
//! A line is recognized by its head. The rest is passed on or dropped as it arrives, so memory
//! stays flat however long a line is.

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use memchr::{memchr, memchr_iter, memrchr};

use super::seen_lines::{LineKey, SeenLines};

/// The size of the head that recognizes a line: 1 MiB.
const MAX_HEAD: usize = 1 << 20;

/// The state of a log.
pub(super) struct LineDedup {
    seen: SeenLines,
    /// A line that is not complete, and shorter than a head.
    partial: BytesMut,
    /// A longer line, whose head was recognized.
    long: Option<PartialLine>,
    /// A long line that was cut before its end.
    interrupted: Option<PartialLine>,
    max_head: usize,
}

/// A line that is passed on in parts.
struct PartialLine {
    key: LineKey,
    /// How many of its bytes were received in this connection.
    received: u64,
    /// How many of its bytes were shown.
    shown: u64,
}

/// Longer than any line: it was shown to its end.
const WHOLE: u64 = u64::MAX;

impl Default for LineDedup {
    fn default() -> Self {
        Self::with_head(MAX_HEAD)
    }
}

impl LineDedup {
    fn with_head(max_head: usize) -> Self {
        let (seen, partial) = (SeenLines::default(), BytesMut::new());
        Self { seen, partial, long: None, interrupted: None, max_head }
    }

    /// The time of the newest line shown.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        self.seen.newest()
    }

    /// Notes a reconnect: the log is repeated from some line on.
    pub(super) fn expect_replays(&mut self) {
        self.seen.expect_replays();
    }

    /// Notes a cut: the last line, unless complete, will be repeated.
    pub(super) fn cut(&mut self) {
        self.partial.clear();
        if let Some(long) = self.long.take().filter(|long| long.shown != WHOLE) {
            self.interrupted = Some(PartialLine { received: 0, ..long });
        }
    }

    /// Notes the end of the log. Returns the rest of a line without newline.
    pub(super) fn end(&mut self) -> Bytes {
        let rest = self.partial.split().freeze();
        self.cut();
        rest
    }

    /// Takes received bytes and returns what is new of them: complete lines, and parts of long
    /// ones.
    pub(super) fn feed(&mut self, data: &Bytes) -> Bytes {
        match self.long.take() {
            Some(long) => self.continue_line(long, data),
            None => self.start_line(data),
        }
    }

    /// Takes more of a long line, and what follows it.
    fn continue_line(&mut self, mut long: PartialLine, data: &Bytes) -> Bytes {
        let Some(end) = memchr(b'\n', data) else {
            let repeated = long.take(data.len());
            self.long = Some(long);
            return data.slice(repeated..);
        };
        let repeated = long.take(end);
        let rest = match long.shown {
            WHOLE => Bytes::new(),
            _ => data.slice(repeated..=end),
        };
        concat(rest, self.start_line(&data[end + 1..]))
    }

    /// Takes bytes that begin a line or continue the partial one.
    fn start_line(&mut self, data: &[u8]) -> Bytes {
        let before = self.partial.len();
        self.partial.extend_from_slice(data);
        let lines = match memrchr(b'\n', data) {
            Some(last) => {
                let complete = self.partial.split_to(before + last + 1).freeze();
                self.new_lines(complete)
            }
            None => Bytes::new(),
        };
        if self.partial.len() < self.max_head { lines } else { concat(lines, self.open_line()) }
    }

    /// Returns the new ones of some complete lines.
    fn new_lines(&mut self, lines: Bytes) -> Bytes {
        if !self.seen.expects_replays() && self.interrupted.is_none() {
            lines_of(&lines).for_each(|line| self.seen.insert(head(line, self.max_head)));
            return lines;
        }
        let mut new = BytesMut::with_capacity(lines.len());
        for line in lines_of(&lines) {
            let mut recognized = self.recognize(line, &mut new);
            if recognized.shown != WHOLE {
                new.extend_from_slice(&line[recognized.take(line.len())..]);
                new.extend_from_slice(b"\n");
            }
        }
        new.freeze()
    }

    /// Recognizes a partial line that has reached the size of a head. Returns what is new of it.
    fn open_line(&mut self) -> Bytes {
        let (line, mut new) = (self.partial.split(), BytesMut::new());
        let mut long = self.recognize(&line, &mut new);
        new.extend_from_slice(&line[long.take(line.len())..]);
        self.long = Some(long);
        new.freeze()
    }

    /// Finds out how much of a line was shown. A new line ends an interrupted one.
    fn recognize(&mut self, line: &[u8], new: &mut BytesMut) -> PartialLine {
        let key = self.seen.key(head(line, self.max_head));
        let goes_on = |interrupted: &mut PartialLine| {
            interrupted.key == key && self.seen.is_last_expected(key)
        };
        let interrupted = self.interrupted.take_if(goes_on);
        let is_new = self.seen.insert_if_new(key);
        if let Some(interrupted) = interrupted {
            return interrupted;
        }
        if is_new && let Some(interrupted) = self.interrupted.take() {
            new.extend_from_slice(b"\n");
            // When the interrupted line is repeated, it is shown from its start.
            self.seen.consume(interrupted.key);
        }
        PartialLine { key, received: 0, shown: if is_new { 0 } else { WHOLE } }
    }
}

impl PartialLine {
    /// Takes `count` received bytes. Returns how many of them were shown before.
    fn take(&mut self, count: usize) -> usize {
        let repeated = usize::try_from(self.shown - self.received).unwrap_or(usize::MAX).min(count);
        self.received += count as u64;
        self.shown = self.shown.max(self.received);
        repeated
    }
}

fn head(line: &[u8], max: usize) -> &[u8] {
    &line[..line.len().min(max)]
}

fn concat(first: Bytes, second: Bytes) -> Bytes {
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second,
        (_, true) => first,
        _ => [first, second].concat().into(),
    }
}

/// The lines of a text that ends in a newline, without the newlines.
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
    fn feed(lines: &mut LineDedup, text: &str, shown: &mut Vec<u8>) {
        for piece in text.as_bytes().chunks(STEP) {
            shown.extend_from_slice(&lines.feed(&Bytes::copy_from_slice(piece)));
            assert!(lines.partial.len() < lines.max_head + STEP);
        }
    }

    /// What is shown if each of these texts arrives in a connection of its own.
    fn shown(attachments: &[&str]) -> String {
        let (mut lines, mut shown) = (LineDedup::with_head(64), Vec::new());
        for (number, text) in attachments.iter().enumerate() {
            if number > 0 {
                lines.cut();
                lines.expect_replays();
            }
            feed(&mut lines, text, &mut shown);
        }
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn a_long_line_is_passed_on_before_its_end() {
        let text = line(1, &"x".repeat(200));
        let begun = shown(&[&text[..150]]);
        assert!(begun.len() > 140 && text.starts_with(&begun), "{begun}");
        assert_eq!(shown(&[&text]), text);
    }

    #[test]
    fn a_long_line_that_was_cut_is_continued() {
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
    fn an_interrupted_line_that_is_not_continued_is_ended_and_shown_whole_when_repeated() {
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
