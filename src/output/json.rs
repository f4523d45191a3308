//! JSON output that is safe to show on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::sanitize::is_unsafe;

/// Writes `value` in compact form. Unsafe characters are escaped, for example as `\u202e`, which
/// programs parse as the same character (RFC 8259, section 7).
///
/// # Errors
/// The stream can't be written to.
pub(super) fn write(value: &impl Serialize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, SafeFormatter))?)
}

/// Formats `value` over several lines, indented by two blanks. Unsafe characters are escaped.
///
/// # Errors
/// The value can't be written as JSON.
pub(crate) fn pretty(value: &impl Serialize) -> io::Result<String> {
    let mut bytes = Vec::new();
    let formatter = SafePretty(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Returns `value` with this program's spellings instead of a rack's: keys in `snake_case`, and
/// `null` for absent times.
///
/// # Errors
/// The value can't be written as JSON.
pub(crate) fn in_snake_case(value: &impl Serialize) -> io::Result<Value> {
    Ok(respelled(serde_json::to_value(value)?))
}

fn respelled(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let respell = |(key, value): (String, Value)| {
                let is_map = MAPS.contains(&key.as_str());
                (snake_case(&key), if is_map { value } else { respelled(value) })
            };
            entries.into_iter().map(respell).collect()
        }
        Value::Array(values) => values.into_iter().map(respelled).collect(),
        Value::String(text) if text == "0001-01-01T00:00:00Z" => Value::Null,
        other => other,
    }
}

/// Objects whose keys are names, such as those of services, which are kept.
const MAPS: [&str; 4] = [
    "per-service-spend-usd",
    "per-service-instance-type",
    "per-service-spend-by-variant",
    "per-service-variant-pods-last-tick",
];

/// `per-service` and `perService` become `per_service`.
fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len());
    for c in key.chars() {
        match c {
            '-' => snake.push('_'),
            'A'..='Z' => {
                snake.push('_');
                snake.push(c.to_ascii_lowercase());
            }
            _ => snake.push(c),
        }
    }
    snake
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

/// The same over several lines.
struct SafePretty(PrettyFormatter<'static>);

impl Formatter for SafePretty {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        SafeFormatter.write_string_fragment(writer, fragment)
    }

    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
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

    #[test]
    fn a_pretty_document_is_indented_by_two_blanks_and_as_safe() {
        let value = serde_json::json!({"a": [1, {"b": "\u{202e}<&>"}], "c": {}, "d": []});
        assert_eq!(
            pretty(&value).unwrap(),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"\\u202e<&>\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}"
        );
    }

    #[test]
    fn a_racks_spellings_are_replaced() {
        let value = serde_json::json!({
            "per-service": {"failureReason": "x-y"}, "acked-at": "0001-01-01T00:00:00Z", "n": [1]
        });
        let expected = serde_json::json!({
            "per_service": {"failure_reason": "x-y"}, "acked_at": null, "n": [1]
        });
        assert_eq!(in_snake_case(&value).unwrap(), expected);
    }

    #[test]
    fn names_that_are_keys_are_kept() {
        let value = serde_json::json!({"per-service-spend-usd": {"my-web": 1.5}});
        let expected = serde_json::json!({"per_service_spend_usd": {"my-web": 1.5}});
        assert_eq!(in_snake_case(&value).unwrap(), expected);
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
