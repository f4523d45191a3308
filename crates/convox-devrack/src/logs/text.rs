//! Bytes read from a file in pieces, as text that is never cut inside a line or a character.

/// Collects pieces and gives back whole lines.
#[derive(Debug, Default)]
pub(super) struct WholeLines {
    rest: Vec<u8>,
}

/// A line that is longer is handed on in pieces.
const LONGEST: usize = 64 * 1024;

impl WholeLines {
    /// Takes a piece; gives the lines that are whole by now, with their newlines.
    pub(super) fn push(&mut self, piece: &[u8]) -> String {
        self.rest.extend_from_slice(piece);
        let end = match self.rest.iter().rposition(|&byte| byte == b'\n') {
            Some(newline) => newline + 1,
            None if self.rest.len() > LONGEST => whole_characters(&self.rest, self.rest.len()),
            None => 0,
        };
        let whole = self.rest.drain(..end).collect();
        into_text(whole)
    }

    /// What is left when nothing more will come.
    pub(super) fn finish(&mut self) -> String {
        into_text(std::mem::take(&mut self.rest))
    }
}

/// How many of the first `most` bytes are left when a character that is cut there is left out.
pub(super) fn whole_characters(bytes: &[u8], most: usize) -> usize {
    match std::str::from_utf8(&bytes[..most]) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => most,
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
    fn lines_and_characters_are_never_cut() {
        let mut lines = WholeLines::default();
        assert_eq!(lines.push(b"one\ntw"), "one\n");
        assert_eq!(lines.push("ö ü".as_bytes().split_at(1).0), "");
        assert_eq!(lines.push("ö\n".as_bytes().split_at(1).1), "twö\n");
        assert_eq!(lines.push(b"last"), "");
        assert_eq!(lines.finish(), "last");
        assert_eq!(lines.finish(), "");
    }

    #[test]
    fn a_very_long_line_is_handed_on_in_pieces_of_whole_characters() {
        let text = "€".repeat(LONGEST / 2);
        let mut lines = WholeLines::default();
        let mut got = String::new();
        for piece in text.as_bytes().chunks(1000) {
            got.push_str(&lines.push(piece));
        }
        assert!(!got.is_empty());
        got.push_str(&lines.finish());
        assert_eq!(got, text);
    }
}
