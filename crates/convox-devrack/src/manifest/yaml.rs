//! YAML as a tree of nodes that know their lines: a manifest's errors and warnings name them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    DuplicateKeyPolicy, Location, MergeKeyPolicy, NonFiniteFloatPolicy, Spanned,
    UserMessageFormatter,
};

use super::ManifestError;

/// Reading takes stack for every level of the text; no manifest needs more.
const DEEPEST: usize = 20;

/// A value and where it stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    /// Any scalar but null, spelled as in the text: `1.10` stays `1.10`, `yes` stays `yes`.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value` of a map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) node: Node,
}

impl Value {
    /// What it is, in words for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Reads one document. Merge keys (`<<`) are expanded, duplicate keys are errors, as in YAML 1.2
/// and as real racks have them.
pub(super) fn parse(text: &str) -> Result<Node, ManifestError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEEPEST },
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        with_snippet: false,
    };
    let raw: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options).map_err(unreadable)?;
    Ok(node(raw, text))
}

fn unreadable(error: serde_saphyr::Error) -> ManifestError {
    let line = error.location().map(line_of).filter(|line| *line > 0);
    let message = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    // The crate puts the place first or last, depending on the error; ours is logged once, in front.
    let reason = match message.find(" at line ") {
        Some(at) => message[..at].to_owned(),
        None => message,
    };
    ManifestError { line, reason }
}

fn line_of(place: Location) -> usize {
    usize::try_from(place.line()).unwrap_or(usize::MAX)
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Scalar(text),
        Raw::Plain(read) => Value::Scalar(spelling(raw.defined, text).unwrap_or(read)),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(entries) => Value::Map(entries.into_iter().map(|e| entry(e, text)).collect()),
    };
    Node { line: line_of(raw.defined), value }
}

fn entry((key, value): (Spanned<String>, Spanned<Raw>), text: &str) -> Entry {
    Entry { line: line_of(key.defined), key: key.value, node: node(value, text) }
}

/// The text of a number or boolean as it was written.
fn spelling(place: Location, text: &str) -> Option<String> {
    let start = usize::try_from(place.span().byte_offset()?).ok()?;
    let length = usize::try_from(place.span().byte_len()?).ok()?;
    let slice = text.get(start..start.checked_add(length)?)?.trim();
    (!slice.is_empty()).then(|| slice.to_owned())
}

/// What serde sees, before the source text is consulted.
enum Raw {
    Null,
    Text(String),
    Plain(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Raw, D::Error> {
        Raw::deserialize(from)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(node: &Node) -> &[Entry] {
        match &node.value {
            Value::Map(entries) => entries,
            other => panic!("a map expected: {other:?}"),
        }
    }

    #[test]
    fn every_key_and_value_knows_its_line() {
        let root = parse("a: 1\n\n# note\nb:\n  c: x\n  d:\n    - y\n    - z\n").unwrap();
        let entries = map(&root);
        assert_eq!((entries[0].line, entries[1].line), (1, 4));
        let inner = map(&entries[1].node);
        assert_eq!((inner[0].line, inner[1].line), (5, 6));
        let Value::List(items) = &inner[1].node.value else { panic!("a list expected") };
        assert_eq!((items[0].line, items[1].line), (7, 8));
    }

    #[test]
    fn scalars_keep_their_spelling() {
        let root = parse(
            "a: 1.10\nb: yes\nc: 007\nd: true\ne: ~\nf: '3'\ng: 0x1F # hex\nh: [1.50, 2]\ni:\n",
        )
        .unwrap();
        let values: Vec<Value> = map(&root).iter().map(|e| e.node.value.clone()).collect();
        let scalar = |text: &str| Value::Scalar(text.to_owned());
        assert_eq!(values[0], scalar("1.10"));
        assert_eq!(values[1], scalar("yes"));
        assert_eq!(values[2], scalar("007"));
        assert_eq!(values[3], scalar("true"));
        assert_eq!(values[4], Value::Null);
        assert_eq!(values[5], scalar("3"));
        assert_eq!(values[6], scalar("0x1F"));
        let Value::List(items) = &values[7] else { panic!("a list expected") };
        assert_eq!(items[0].value, scalar("1.50"));
        assert_eq!(values[8], Value::Null);
    }

    #[test]
    fn merge_keys_are_expanded_and_the_own_value_wins() {
        let root = parse("base: &b\n  x: 1.0\n  y: 2\nit:\n  <<: *b\n  y: 3\n").unwrap();
        let it = map(&map(&root)[1].node);
        let find = |key: &str| it.iter().find(|e| e.key == key).unwrap().node.value.clone();
        assert_eq!(find("x"), Value::Scalar("1.0".into()));
        assert_eq!(find("y"), Value::Scalar("3".into()));
        assert_eq!(it.len(), 2);
    }

    #[test]
    fn a_duplicate_key_and_a_broken_line_are_errors_with_their_line() {
        let error = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(error.line, Some(3), "{error:?}");
        let error = parse("a: 1\nb: [1,\nc: 2\n").unwrap_err();
        assert!(error.line.is_some_and(|line| line >= 2), "{error:?}");
        let error = parse("a:\n\tb: 1\n").unwrap_err();
        assert_eq!(error.line, Some(2), "{error:?}");
        assert!(!error.reason.contains("line"), "{error:?}");
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let maps: String = (0..3000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        let lists = "[".repeat(100_000);
        let mut aliases = String::from("a0: &a0 [x]\n");
        for n in 1..500 {
            aliases.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
        }
        let mut merges = String::from("a0: &a0 {k: {x: 1}}\n");
        for n in 1..500 {
            merges.push_str(&format!("a{n}: &a{n}\n  <<: *a{}\n", n - 1));
        }
        for text in [maps, lists, aliases, merges] {
            assert!(parse(&text).is_err(), "{}", &text[..40]);
        }
        let fine: String = (0..DEEPEST - 1).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert!(parse(&fine).is_ok());
    }

    #[test]
    fn numbers_without_end_keep_their_spelling_too() {
        let root = parse("a: .inf\nb: 1e400\n").unwrap();
        assert_eq!(map(&root)[0].node.value, Value::Scalar(".inf".into()));
        assert_eq!(map(&root)[1].node.value, Value::Scalar("1e400".into()));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
        for (from, to) in ('a'..'j').zip('b'..='j') {
            let items = vec![format!("*{from}"); 10].join(",");
            text.push_str(&format!("{to}: &{to} [{items}]\n"));
        }
        assert!(parse(&text).is_err());
    }
}
