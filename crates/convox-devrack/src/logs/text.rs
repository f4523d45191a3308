//! Conversion of file chunks to text without splitting a line or a character.

/// Collects chunks and returns complete lines.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    rest: Vec<u8>,
}

/// Longer lines are returned in parts.
const MAX_LINE: usize = 64 * 1024;

impl LineBuffer {
    /// Adds a chunk and returns the lines that are now complete, with their newlines.
    pub(super) fn push(&mut self, chunk: &[u8]) -> String {
        self.rest.extend_from_slice(chunk);
        let end = match self.rest.iter().rposition(|&byte| byte == b'\n') {
            Some(newline) => newline + 1,
            None if self.rest.len() > MAX_LINE => complete_chars(&self.rest, self.rest.len()),
            None => 0,
        };
        let whole = self.rest.drain(..end).collect();
        into_text(whole)
    }

    /// Returns the incomplete last line.
    pub(super) fn finish(&mut self) -> String {
        into_text(std::mem::take(&mut self.rest))
    }
}

/// Returns how many of the first `max` bytes remain without a character that is cut at the end.
pub(super) fn complete_chars(bytes: &[u8], max: usize) -> usize {
    match std::str::from_utf8(&bytes[..max]) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => max,
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_characters_are_never_split() {
        let mut lines = LineBuffer::default();
        assert_eq!(lines.push(b"one\ntw"), "one\n");
        assert_eq!(lines.push("ö ü".as_bytes().split_at(1).0), "");
        assert_eq!(lines.push("ö\n".as_bytes().split_at(1).1), "twö\n");
        assert_eq!(lines.push(b"last"), "");
        assert_eq!(lines.finish(), "last");
        assert_eq!(lines.finish(), "");
    }

    #[test]
    fn a_very_long_line_is_split_between_characters() {
        let text = "€".repeat(MAX_LINE / 2);
        let mut lines = LineBuffer::default();
        let mut got = String::new();
        for chunk in text.as_bytes().chunks(1000) {
            got.push_str(&lines.push(chunk));
        }
        assert!(!got.is_empty());
        got.push_str(&lines.finish());
        assert_eq!(got, text);
    }
}
