//! Messages on the websockets of racks (v2 and v3): text frames of arbitrary bytes, and a binary
//! frame, whatever its content, as the end of the stream. The connection stays open after it.

use bytes::Bytes;

/// The marker that precedes the exit code on process sockets.
pub const EXIT_MARKER: &str = "F1E49A85-0AD7-4AEF-A618-C249C6E6568D:";

/// A message on a rack's websocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Bytes. They may not be UTF-8, and may split a character or a line.
    Data(Bytes),
    /// The end of the stream.
    End,
}

/// The message of a rack's refusal, which is the only frame and holds one `ERROR: …` line.
pub fn refusal(first: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(first).ok()?.strip_prefix("ERROR: ")?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    (!line.is_empty() && !line.contains('\n')).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_error_line_is_a_refusal() {
        assert_eq!(refusal(b"ERROR: app not found: web\n"), Some("app not found: web"));
        assert_eq!(refusal(b"ERROR: a\nERROR: b\n"), None);
        assert_eq!(refusal(b"Step 1\n"), None);
        assert_eq!(refusal(b"ERROR: \xff"), None);
    }
}
