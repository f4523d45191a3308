//! The exit code at the end of a session's output, whatever frames it is cut into.
//!
//! Racks end the output of a process with a marker, the code and a newline; v3 racks may add an
//! `ERROR: …` message when they could not run the process. A program can print the marker as well,
//! so it counts only if nothing but that follows it.

use bytes::{Bytes, BytesMut};
use convox_wire::frame::EXIT_MARKER;
use memchr::memmem;

const MARKER: &[u8] = EXIT_MARKER.as_bytes();
const ERROR: &[u8] = b"ERROR: ";
/// The most digits of a code.
const MAX_DIGITS: usize = 10;
/// The longest message after a code, in bytes.
const MAX_MESSAGE: usize = 64 << 10;

/// Finds the exit code while it passes the output on.
#[derive(Debug, Default)]
pub struct ExitScanner {
    /// Bytes that may be the end of the stream; they begin like the marker.
    held: Vec<u8>,
    /// How many of them were passed on all the same.
    released: usize,
}

/// How a stream ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StreamEnd {
    /// The last bytes of the output.
    pub output: Bytes,
    /// The exit code, if there was one.
    pub code: Option<i32>,
    /// Why the rack could not run the process, if the rack sent a reason after the code.
    pub error: Option<String>,
}

impl ExitScanner {
    /// A scanner for a new stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream and returns those that are certainly output.
    pub fn push(&mut self, data: Bytes) -> Bytes {
        if !self.held.is_empty() {
            self.held.extend_from_slice(&data);
            return self.settle(BytesMut::new());
        }
        let Some(at) = find_start(&data) else { return data };
        self.held.extend_from_slice(&data[at..]);
        if may_be_end(&self.held) {
            return data.slice(..at);
        }
        self.settle(BytesMut::from(&data[..at]))
    }

    /// Whether a beginning of the marker is held back. If nothing follows it, it is probably just
    /// output: see [`ExitScanner::release`].
    pub fn holds_beginning(&self) -> bool {
        self.released < self.held.len() && self.held.len() < MARKER.len()
    }

    /// Passes on a beginning of the marker that was held back. If it was one after all, the code is
    /// still found.
    pub fn release(&mut self) -> Bytes {
        if !self.holds_beginning() {
            return Bytes::new();
        }
        let output = Bytes::copy_from_slice(&self.held[self.released..]);
        self.released = self.held.len();
        output
    }

    /// Returns whether the code has been read in full, so that the stream may end here.
    pub fn has_code(&self) -> bool {
        matches!(self.end(), End::Complete { newline: true, .. })
    }

    /// Takes what is held when the stream has ended.
    pub fn finish(self) -> StreamEnd {
        match self.end() {
            End::Complete { code, message, .. } => {
                let error = (!message.is_empty())
                    .then(|| String::from_utf8_lossy(message).trim().to_owned());
                StreamEnd { output: Bytes::new(), code: Some(code), error }
            }
            End::Incomplete | End::Impossible => {
                let output = Bytes::copy_from_slice(&self.held[self.released..]);
                StreamEnd { output, ..StreamEnd::default() }
            }
        }
    }

    fn end(&self) -> End<'_> {
        self.held.strip_prefix(MARKER).map_or(End::Incomplete, read_end)
    }

    /// Moves what can't belong to the end from what is held to the output.
    fn settle(&mut self, mut output: BytesMut) -> Bytes {
        let mut start = 0;
        while start < self.held.len() && !may_be_end(&self.held[start..]) {
            let rest = &self.held[start + 1..];
            let next = find_start(rest).map_or(self.held.len(), |at| start + 1 + at);
            output.extend_from_slice(&self.held[self.released.clamp(start, next)..next]);
            start = next;
        }
        self.held.drain(..start);
        self.released = self.released.saturating_sub(start);
        output.freeze()
    }
}

/// What follows the marker.
enum End<'a> {
    Complete {
        code: i32,
        newline: bool,
        message: &'a [u8],
    },
    /// More has to come.
    Incomplete,
    /// It is not the end: the program printed the marker.
    Impossible,
}

/// Finds where the marker begins: in full, or at the very end as far as it goes.
fn find_start(bytes: &[u8]) -> Option<usize> {
    let tail = bytes.len().saturating_sub(MARKER.len() - 1);
    memmem::find(bytes, MARKER)
        .or_else(|| (tail..bytes.len()).find(|at| MARKER.starts_with(&bytes[*at..])))
}

fn may_be_end(held: &[u8]) -> bool {
    match held.strip_prefix(MARKER) {
        Some(rest) => !matches!(read_end(rest), End::Impossible),
        None => MARKER.starts_with(held),
    }
}

fn read_end(bytes: &[u8]) -> End<'_> {
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let digits = unsigned.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (code, rest) = bytes.split_at(bytes.len() - unsigned.len() + digits);
    if digits == 0 {
        return if rest.is_empty() { End::Incomplete } else { End::Impossible };
    }
    let code = std::str::from_utf8(code).ok().and_then(|text| text.parse().ok());
    let Some(code) = code.filter(|_| digits <= MAX_DIGITS) else { return End::Impossible };
    match rest.strip_prefix(b"\r").unwrap_or(rest) {
        [] => End::Complete { code, newline: false, message: b"" },
        [b'\n'] => End::Complete { code, newline: true, message: b"" },
        [b'\n', message @ ..] => match message.strip_prefix(ERROR) {
            Some(message) if message.len() <= MAX_MESSAGE => {
                End::Complete { code, newline: true, message }
            }
            None if ERROR.starts_with(message) => End::Incomplete,
            _ => End::Impossible,
        },
        _ => End::Impossible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The whole output and the end of a stream that comes in pieces of this size.
    fn scan(stream: &[u8], step: usize) -> (Vec<u8>, Option<i32>, Option<String>) {
        let mut scanner = ExitScanner::new();
        let mut output = Vec::new();
        for piece in stream.chunks(step.max(1)) {
            output.extend_from_slice(&scanner.push(Bytes::copy_from_slice(piece)));
        }
        let StreamEnd { output: last, code, error } = scanner.finish();
        output.extend_from_slice(&last);
        (output, code, error)
    }

    fn stream(parts: &[&str]) -> Vec<u8> {
        parts.concat().replace('#', EXIT_MARKER).into_bytes()
    }

    #[test]
    fn the_code_is_found_alone_behind_output_negative_and_without_a_newline() {
        for (text, output, code) in [
            ("#0\n", "", 0),
            ("hello\n#7\n", "hello\n", 7),
            ("no newline#127\n", "no newline", 127),
            ("#-1\n", "", -1),
            ("x#3", "x", 3),
            ("x#3\r\n", "x", 3),
        ] {
            let stream = stream(&[text]);
            for step in 1..=stream.len() {
                let (found, exit, error) = scan(&stream, step);
                assert_eq!((found.as_slice(), exit, error), (output.as_bytes(), Some(code), None));
            }
        }
    }

    #[test]
    fn an_error_after_the_code_is_the_racks_and_not_output() {
        let stream = stream(&["#0\n", "ERROR: process not found: web-1\n"]);
        for step in 1..=stream.len() {
            let expected = Some("process not found: web-1".to_owned());
            assert_eq!(scan(&stream, step), (Vec::new(), Some(0), expected));
        }
    }

    #[test]
    fn a_marker_that_a_program_prints_is_output() {
        for (text, output, code) in [
            ("#0\nmore\n#2\n", "#0\nmore\n", Some(2)),
            ("##5\n", "#", Some(5)),
            ("#x\n", "#x\n", None),
            ("#12345678901\n", "#12345678901\n", None),
            ("#9999999999\n", "#9999999999\n", None),
            ("#\n", "#\n", None),
            ("#0\nERR", "#0\nERR", None),
            ("#", "#", None),
            ("F1E4 F1E49A85-0AD7 F1F1E49A85", "F1E4 F1E49A85-0AD7 F1F1E49A85", None),
        ] {
            let (text, output) = (stream(&[text]), stream(&[output]));
            for step in 1..=text.len() {
                assert_eq!(scan(&text, step), (output.clone(), code, None), "step {step}");
            }
        }
    }

    #[test]
    fn a_beginning_is_released_on_request_and_the_code_is_found_all_the_same() {
        let mut scanner = ExitScanner::new();
        assert_eq!(scanner.push("echo F".into()), "echo ");
        assert!(scanner.holds_beginning());
        assert_eq!(scanner.release(), "F");
        assert!(!scanner.holds_beginning());
        assert_eq!(scanner.push(Bytes::from(format!("{}4\n", &EXIT_MARKER[1..]))), "");
        assert!(scanner.has_code());
        assert_eq!(scanner.finish().code, Some(4));
        let mut scanner = ExitScanner::new();
        assert_eq!((scanner.push("F".into()), scanner.release()), (Bytes::new(), "F".into()));
        assert_eq!(scanner.push("1 car\n".into()), "1 car\n");
    }

    proptest! {
        #[test]
        fn output_and_code_are_the_same_however_the_stream_is_cut(
            parts in prop::collection::vec(
                prop_oneof![
                    Just("#"), Just("F1E4"), Just("F1E49A85-0AD7-"), Just("0\n"), Just("-1"),
                    Just("ERROR: "), Just("ERR"), Just("\n"), Just("text"), Just("\r\n"),
                ],
                0..12,
            ),
            step in 1usize..120,
        ) {
            let stream = stream(&parts);
            prop_assert_eq!(scan(&stream, step), scan(&stream, stream.len()));
        }

        #[test]
        fn nothing_is_lost_where_there_is_no_code(text in "[F1E49A85#\n-]{0,80}", step in 1usize..90) {
            let stream = stream(&[&text]);
            let (output, code, _) = scan(&stream, step);
            if code.is_none() {
                prop_assert_eq!(output, stream);
            }
        }
    }
}
