//! Sanitizing of untrusted text for terminals.
//!
//! `\n`, `\r` and `\t` are shown as in source code, other ASCII control characters as `\x1b`, and
//! other unsafe characters (C1 controls, direction marks, characters without width) as `\u{202e}`.
//! Everything else, including backslashes, is unchanged.

use std::borrow::Cow;
use std::fmt::Write;

/// Returns `text` with everything escaped that could move the cursor, change colors, break the
/// line, or disguise the text.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unsafe) else { return Cow::Borrowed(text) };
    let mut shown = String::with_capacity(text.len() + 8);
    shown.push_str(&text[..first]);
    for c in text[first..].chars() {
        if is_unsafe(c) {
            push_escaped(&mut shown, c);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Returns whether a character is a control, is invisible, or reorders its neighbors.
pub(super) fn is_unsafe(c: char) -> bool {
    match c {
        ' '..='~' => false,
        _ => {
            c.is_control()
                || matches!(c,
                    '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                    | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        }
    }
}

fn push_escaped(shown: &mut String, c: char) {
    let written = match c {
        '\n' => shown.write_str("\\n"),
        '\r' => shown.write_str("\\r"),
        '\t' => shown.write_str("\\t"),
        c if c.is_ascii() => write!(shown, "\\x{:02x}", u32::from(c)),
        c => write!(shown, "\\u{{{:x}}}", u32::from(c)),
    };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

/// Filters log bytes for a terminal. Colors (SGR sequences), line ends, tabs and carriage returns
/// pass; other unsafe characters are escaped as by [`sanitize`], except for joiners, which scripts
/// and emoji need. The stream may be split anywhere.
///
/// Invalid UTF-8 passes, since terminals show a replacement character, except for bytes from 0x80
/// to 0x9f: some terminals interpret them as C1 controls.
#[derive(Debug, Default)]
pub struct LogFilter {
    held: Vec<u8>,
    is_colored: bool,
}

/// The maximum length of a color sequence in bytes.
const MAX_COLOR_SEQUENCE: usize = 64;
const ESCAPE: u8 = 0x1b;
const RESET: &[u8] = b"\x1b[0m";

impl LogFilter {
    /// Creates a filter for the start of a log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the filtered form of `bytes` to `shown`. An incomplete sequence at the end of
    /// `bytes` is held back until the next call.
    pub fn feed(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if !self.held.is_empty() {
                self.extend(byte, shown);
                rest = &rest[1..];
                continue;
            }
            let plain = rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len());
            shown.extend_from_slice(&rest[..plain]);
            rest = &rest[plain..];
            if let Some(&byte) = rest.first() {
                self.start(byte, shown);
                rest = &rest[1..];
            }
        }
    }

    /// Ends the log: appends what is held back, and resets a color that is still on.
    pub fn finish(&mut self, shown: &mut Vec<u8>) {
        self.release(shown);
        if std::mem::take(&mut self.is_colored) {
            shown.extend_from_slice(RESET);
        }
    }

    fn start(&mut self, byte: u8, shown: &mut Vec<u8>) {
        match byte {
            ESCAPE | 0xc2..=0xf4 => self.held.push(byte),
            _ => show_byte(byte, shown),
        }
    }

    /// Takes the next byte of a sequence.
    fn extend(&mut self, byte: u8, shown: &mut Vec<u8>) {
        if self.held[0] != ESCAPE {
            return self.extend_character(byte, shown);
        }
        match (self.held.len(), byte) {
            (1, b'[') => self.held.push(byte),
            (2.., b'0'..=b'9' | b';' | b':') if self.held.len() < MAX_COLOR_SEQUENCE => {
                self.held.push(byte);
            }
            (2.., b'm') => self.end_color(shown),
            _ => self.reject(byte, shown),
        }
    }

    /// Takes the next byte of a multi-byte character.
    fn extend_character(&mut self, byte: u8, shown: &mut Vec<u8>) {
        self.held.push(byte);
        match std::str::from_utf8(&self.held) {
            Ok(character) => {
                show_character(character, shown);
                self.held.clear();
            }
            Err(error) if error.error_len().is_none() => {} // incomplete
            Err(_) => {
                self.held.pop();
                self.reject(byte, shown);
            }
        }
    }

    fn end_color(&mut self, shown: &mut Vec<u8>) {
        let parameters = &self.held[2..];
        self.is_colored = !parameters.iter().all(|byte| matches!(byte, b'0' | b';'));
        shown.append(&mut self.held);
        shown.push(b'm');
    }

    /// Appends the bytes of an invalid sequence, and starts anew with `byte`.
    fn reject(&mut self, byte: u8, shown: &mut Vec<u8>) {
        self.release(shown);
        self.feed(&[byte], shown);
    }

    fn release(&mut self, shown: &mut Vec<u8>) {
        for byte in std::mem::take(&mut self.held) {
            show_byte(byte, shown);
        }
    }
}

/// Returns whether a byte passes unchanged in any state.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

/// Appends a multi-byte character.
fn show_character(character: &str, shown: &mut Vec<u8>) {
    match character.chars().next() {
        Some(c) if is_unsafe(c) && !is_joiner(c) => {
            let mut visible = String::new();
            push_escaped(&mut visible, c);
            shown.extend_from_slice(visible.as_bytes());
        }
        _ => shown.extend_from_slice(character.as_bytes()),
    }
}

/// Returns whether a character only joins or separates its neighbors, as scripts and emoji need it.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}')
}

fn show_byte(byte: u8, shown: &mut Vec<u8>) {
    if is_plain(byte) || byte >= 0xa0 {
        shown.push(byte);
    } else {
        shown.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filtered(chunks: &[&[u8]]) -> Vec<u8> {
        let (mut filter, mut shown) = (LogFilter::new(), Vec::new());
        for chunk in chunks {
            filter.feed(chunk, &mut shown);
        }
        filter.finish(&mut shown);
        shown
    }

    fn shown(text: &str) -> String {
        String::from_utf8(filtered(&[text.as_bytes()])).unwrap()
    }

    #[test]
    fn control_and_invisible_characters_are_escaped() {
        for (text, expected) in [
            ("plain — ✓ \\n C:\\x", "plain — ✓ \\n C:\\x"),
            ("a\u{1b}[31mb", "a\\x1b[31mb"),
            ("one\ntwo\tthree\r", "one\\ntwo\\tthree\\r"),
            ("\0\u{7f}\u{9b}", "\\x00\\x7f\\u{9b}"),
            ("a\u{202e}b\u{200b}c\u{feff}", "a\\u{202e}b\\u{200b}c\\u{feff}"),
            ("\u{2028}\u{2066}\u{e0041}", "\\u{2028}\\u{2066}\\u{e0041}"),
        ] {
            assert_eq!(sanitize(text), expected);
        }
    }

    #[test]
    fn safe_text_is_not_copied() {
        assert!(matches!(sanitize("convox-guide"), Cow::Borrowed(_)));
    }

    #[test]
    fn colors_and_line_ends_of_a_log_pass() {
        for text in [
            "\u{1b}[31mred\u{1b}[0m\n",
            "\u{1b}[1;38;5;244mgrey\u{1b}[m\r\n",
            "\u{1b}[38:2::1:2:3mx\u{1b}[0;0m",
            "50%\r60%\r\tdone — ✓ é \u{a0}\n",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn other_sequences_of_a_log_are_escaped() {
        for (text, expected) in [
            ("\u{1b}[2J", "\\x1b[2J"),
            ("\u{1b}]0;title\u{7}", "\\x1b]0;title\\x07"),
            ("\u{1b}[?25l", "\\x1b[?25l"),
            ("\u{1b}\u{1b}[31mx\u{1b}[m", "\\x1b\u{1b}[31mx\u{1b}[m"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{8}b\u{0}", "a\\x08b\\x00"),
            ("\u{202e}cod.exe\u{2066}", "\\u{202e}cod.exe\\u{2066}"),
            ("\u{2028}\u{200b}\u{feff}", "\\u{2028}\\u{200b}\\u{feff}"),
            ("\u{1f469}\u{200d}\u{1f680}", "\u{1f469}\u{200d}\u{1f680}"),
            ("\u{1b}[31", "\\x1b[31"),
            ("\u{1b}[31\nnext", "\\x1b[31\nnext"),
        ] {
            assert_eq!(shown(text), expected);
        }
        let endless = format!("\u{1b}[{}m", "1;".repeat(100));
        assert!(!shown(&endless).contains('\u{1b}'));
    }

    #[test]
    fn a_color_that_is_still_on_at_the_end_is_reset() {
        assert_eq!(shown("\u{1b}[31mred"), "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(shown("\u{1b}[31mred\u{1b}[0m"), "\u{1b}[31mred\u{1b}[0m");
    }

    #[test]
    fn invalid_utf_8_passes_except_for_c1_controls() {
        for bytes in [&b"\xff\xfe\xa0"[..], b"\xc2", b"\xc2x", b"\xc2\xc2\xa9", b"\xe2\xa2"] {
            assert_eq!(filtered(&[bytes]), bytes);
        }
        for (bytes, expected) in [
            (&b"\x9b2J"[..], &b"\\x9b2J"[..]),
            (b"\xe2\x9bx", b"\xe2\\x9bx"),
            (b"\xe0\x9b\x80", b"\xe0\\x9b\\x80"),
            (b"\xf0\x9f\x9a\xf0\x9f\x9a\x80", b"\xf0\\x9f\\x9a\xf0\x9f\x9a\x80"),
            (b"\xff\xfe\x80", b"\xff\xfe\\x80"),
        ] {
            assert_eq!(filtered(&[bytes]), expected);
        }
    }

    fn log() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            "[ -~\n]{0,4}".prop_map(String::into_bytes),
            any::<Vec<u8>>(),
            Just(b"\x1b[31m".to_vec()),
            Just(b"\x1b[".to_vec()),
            Just(b"\xc2\x9b".to_vec()),
            Just("é✓\u{db}🚀".as_bytes().to_vec()),
            Just(b"\xe2\x9b".to_vec()),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn sanitized_text_is_safe_and_unchanged_by_a_second_pass(text: String) {
            let once = sanitize(&text).into_owned();
            prop_assert!(!once.contains(is_unsafe));
            prop_assert_eq!(sanitize(&once), once.as_str());
        }

        #[test]
        fn filtering_does_not_depend_on_how_a_log_is_split(log in log(), cut: prop::sample::Index) {
            let (one, two) = log.split_at(cut.index(log.len() + 1));
            prop_assert_eq!(filtered(&[one, two]), filtered(&[&log]));
            let bytes: Vec<_> = log.chunks(1).collect();
            prop_assert_eq!(filtered(&bytes), filtered(&[&log]));
        }

        #[test]
        fn filtered_logs_contain_no_controls_except_colors(log in log()) {
            let shown = filtered(&[&log]);
            let text = String::from_utf8_lossy(&shown);
            let color = regex::Regex::new("\u{1b}\\[[0-9;:]*m").unwrap();
            let rest = color.replace_all(&text, "");
            prop_assert!(!rest.contains(|c: char| c.is_control() && !"\n\r\t".contains(c)));
            let is_c1 = |byte: &u8| (0x80..0xa0).contains(byte);
            prop_assert!(!shown.utf8_chunks().any(|chunk| chunk.invalid().iter().any(is_c1)));
        }

        #[test]
        fn plain_text_passes_unchanged(text in "[^\u{0}-\u{9f}]*[ -~\n\r\t]*") {
            prop_assume!(!text.contains(|c| is_unsafe(c) && !"\n\r\t".contains(c) && !is_joiner(c)));
            prop_assert_eq!(filtered(&[text.as_bytes()]), text.as_bytes());
        }
    }
}
