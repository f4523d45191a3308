use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The last lines of a log before it is followed. Racks have no such option for the log of an app.
pub(super) struct Backlog {
    lines: VecDeque<BytesMut>,
    max: usize,
}

impl Backlog {
    /// Keeps the last `max` lines.
    pub(super) fn new(max: u32) -> Self {
        Self { lines: VecDeque::new(), max: usize::try_from(max).unwrap_or(usize::MAX) }
    }

    /// Takes whole lines, and parts of long ones.
    pub(super) fn push(&mut self, text: &[u8]) {
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            match self.lines.back_mut().filter(|line| !line.ends_with(b"\n")) {
                Some(line) => line.extend_from_slice(part),
                None => self.lines.push_back(part.into()),
            }
            if self.lines.len() > self.max {
                self.lines.pop_front();
            }
        }
    }

    /// Returns the last lines.
    pub(super) fn into_lines(self) -> Bytes {
        let mut text = BytesMut::with_capacity(self.lines.iter().map(BytesMut::len).sum());
        self.lines.iter().for_each(|line| text.extend_from_slice(line));
        text.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_however_they_arrive() {
        let last = |max: u32, parts: &[&str]| {
            let mut backlog = Backlog::new(max);
            parts.iter().for_each(|part| backlog.push(part.as_bytes()));
            String::from_utf8(backlog.into_lines().to_vec()).unwrap()
        };
        assert_eq!(last(2, &["a\nb\nc\n"]), "b\nc\n");
        assert_eq!(last(2, &["a\nlo", "ng", "er\n", "c"]), "longer\nc");
        assert_eq!(last(5, &["a\n"]), "a\n");
        assert_eq!(last(0, &["a\nb\n"]), "");
    }
}
