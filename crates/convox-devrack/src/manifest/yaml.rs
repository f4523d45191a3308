//! YAML as a tree of nodes with line numbers, for error messages and warnings.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    DuplicateKeyPolicy, Location, MergeKeyPolicy, NonFiniteFloatPolicy, Spanned,
    UserMessageFormatter,
};

use super::ManifestError;

/// The maximum depth of nesting. Parsing takes stack for every level.
const MAX_DEPTH: usize = 20;

/// The key whose value is merged into its map.
const MERGE_KEY: &str = "<<";

/// A value and its line in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    /// A scalar other than null, spelled as in the text: `1.10` stays `1.10`, `yes` stays `yes`.
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
    /// Returns the type of the value, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// A parsed document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    /// The keys that occur twice in a map, a line each: `line 3: services.web: …`.
    pub(super) warnings: Vec<String>,
}

/// Parses the first document of a text. As on v3 racks (Go's yaml.v2) the last of equal keys
/// counts, which is a warning here, and a quoted `"<<"` merges like a plain one.
pub(super) fn parse(text: &str) -> Result<Document, ManifestError> {
    let text = first_document(text);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            // Many services may share one anchor; the other limits stop alias bombs.
            enforce_alias_anchor_ratio: false,
        },
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // Merged below: the crate tells quoted keys from plain ones, and drops duplicates silently.
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        with_snippet: false,
    };
    let raw: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options).map_err(unreadable)?;
    let mut builder = Builder { text, warnings: BTreeMap::new() };
    let root = builder.node(raw, "")?;
    Ok(Document { root, warnings: builder.warnings.into_values().collect() })
}

/// Returns the text up to the end of its first document. A marker at the start of a line ends a
/// document wherever it is (YAML 1.2, section 9.1), so that lines are enough to find it.
fn first_document(text: &str) -> &str {
    let mut has_begun = false;
    let mut offset = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        match line.trim_end() {
            marker if is_marker(marker, "---") || is_marker(marker, "...") => {
                if has_begun {
                    return &text[..offset];
                }
                has_begun = marker.starts_with('-');
            }
            "" => (),
            other => has_begun = has_begun || !other.trim_start().starts_with(['#', '%']),
        }
        offset += line.len();
    }
    text
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn unreadable(error: serde_saphyr::Error) -> ManifestError {
    let line = error.location().map(line_of).filter(|line| *line > 0);
    let message = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    // The crate's message may contain the place too; ours is shown once, in front.
    let reason = match message.find(" at line ") {
        Some(at) => message[..at].to_owned(),
        None => message,
    };
    ManifestError { line, reason }
}

fn line_of(place: Location) -> usize {
    usize::try_from(place.line()).unwrap_or(usize::MAX)
}

/// Turns what serde has read into nodes.
struct Builder<'a> {
    text: &'a str,
    /// By place, as aliases repeat those of their anchor.
    warnings: BTreeMap<(usize, u64), String>,
}

impl Builder<'_> {
    fn node(&mut self, raw: Spanned<Raw>, path: &str) -> Result<Node, ManifestError> {
        let line = line_of(raw.defined);
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Text(text) => Value::Scalar(text),
            Raw::Plain(read) => Value::Scalar(spelling(raw.defined, self.text).unwrap_or(read)),
            Raw::List(items) => {
                let items = items.into_iter().map(|item| self.node(item, path));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Raw::Map(entries) => Value::Map(self.map(entries, path)?),
        };
        Ok(Node { line, value })
    }

    /// Builds a map. Its own entries override those that `<<` merges into it.
    fn map(
        &mut self,
        entries: Vec<(Spanned<String>, Spanned<Raw>)>,
        path: &str,
    ) -> Result<Vec<Entry>, ManifestError> {
        let mut own = Entries::default();
        let mut merged = Vec::new();
        for (key, value) in entries {
            let line = line_of(key.defined);
            let path =
                if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
            let node = self.node(value, &path)?;
            if key.value == MERGE_KEY {
                merged.extend(merge_sources(node, &path)?);
                continue;
            }
            if let Some(earlier) = own.replace(Entry { key: key.value, line, node }) {
                let earlier = earlier.line;
                let warning =
                    format!("line {line}: {path}: set twice; this overrides line {earlier}");
                self.warnings.entry((line, key.defined.column())).or_insert(warning);
            }
        }
        merged.into_iter().flatten().for_each(|entry| own.add(entry));
        Ok(own.into_list())
    }
}

/// The entries of a map, each key once.
#[derive(Default)]
struct Entries {
    list: Vec<Option<Entry>>,
    index: HashMap<String, usize>,
}

impl Entries {
    /// Adds an entry at the end, and returns the one with the same key, which it replaces.
    fn replace(&mut self, entry: Entry) -> Option<Entry> {
        let before = self.index.insert(entry.key.clone(), self.list.len());
        let replaced = before.and_then(|before| self.list.get_mut(before)?.take());
        self.list.push(Some(entry));
        replaced
    }

    /// Adds an entry unless there is one with its key.
    fn add(&mut self, entry: Entry) {
        if !self.index.contains_key(&entry.key) {
            self.replace(entry);
        }
    }

    fn into_list(self) -> Vec<Entry> {
        self.list.into_iter().flatten().collect()
    }
}

/// Returns the maps that a `<<` merges: a map, or a list of maps, of which earlier ones win.
fn merge_sources(node: Node, path: &str) -> Result<Vec<Vec<Entry>>, ManifestError> {
    let items = match node.value {
        Value::List(items) => items,
        value => vec![Node { line: node.line, value }],
    };
    let entries = items.into_iter().map(|item| match item.value {
        Value::Map(entries) => Ok(entries),
        other => {
            let reason = format!("{path}: a map or a list of maps expected, not {}", other.kind());
            Err(ManifestError::at(item.line, reason))
        }
    });
    entries.collect()
}

/// Returns a number or boolean as it is spelled in the text.
fn spelling(place: Location, text: &str) -> Option<String> {
    let start = usize::try_from(place.span().byte_offset()?).ok()?;
    let length = usize::try_from(place.span().byte_len()?).ok()?;
    let slice = text.get(start..start.checked_add(length)?)?.trim();
    (!slice.is_empty()).then(|| slice.to_owned())
}

/// A value as serde sees it, before the spelling is looked up in the text.
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
mod tests;
