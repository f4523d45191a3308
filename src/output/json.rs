//! JSON output that is safe to show on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::sanitize::is_unsafe;

/// Writes `value` in compact form. Unsafe characters are escaped, for example as `\u202e`, which
/// programs parse as the same character (RFC 8259, section 7).
///
/// # Errors
/// The stream can't be written to.
pub(super) fn write(value: &impl Serialize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, SafeFormatter))?)
}

/// Escapes unsafe characters besides the C0 controls, which serde's compact form escapes itself.
struct SafeFormatter;

impl Formatter for SafeFormatter {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (start, found) in fragment.match_indices(is_unsafe) {
            writer.write_all(&fragment.as_bytes()[plain..start])?;
            found.encode_utf16().try_for_each(|unit| write!(writer, "\\u{unit:04x}"))?;
            plain = start + found.len();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: &impl Serialize) -> String {
        let mut bytes = Vec::new();
        write(value, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn unsafe_characters_are_escaped_in_strings_and_keys() {
        for (text, expected) in [
            ("plain — ✓ \\n", "\"plain — ✓ \\\\n\""),
            ("\u{1b}]0;\u{7}\n", "\"\\u001b]0;\\u0007\\n\""),
            ("a\u{7f}\u{9b}b", "\"a\\u007f\\u009bb\""),
            ("\u{202e}a\u{200b}\u{feff}", "\"\\u202ea\\u200b\\ufeff\""),
            ("\u{e0041}", "\"\\udb40\\udc41\""),
        ] {
            assert_eq!(written(&text), expected);
        }
        let named = std::collections::BTreeMap::from([("\u{9b}", 1)]);
        assert_eq!(written(&named), "{\"\\u009b\":1}");
    }

    proptest! {
        #[test]
        fn any_string_round_trips_and_is_safe(text: String) {
            let json = written(&[&text]);
            prop_assert!(!json.contains(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [text]);
        }
    }
}
