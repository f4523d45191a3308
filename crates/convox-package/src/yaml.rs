//! Parsing YAML as leniently as racks do, as far as needed for the names of Dockerfiles and for short
//! texts.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

/// The deepest nesting: parsing takes stack for every level, and no manifest needs more.
const MAX_DEPTH: usize = 100;

/// The longest text that is kept, in bytes: no longer one can name a file, and an alias may repeat
/// it thousands of times.
const MAX_TEXT: usize = 4096;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Yaml {
    /// Any scalar but null, as racks accept numbers as names.
    Text(String),
    /// The values whose keys are scalars, in the order of the text. Of equal keys, the last counts.
    Map(Vec<(String, Yaml)>),
    /// A value that cannot name a file: a list, null, or a text of excessive length.
    Other,
}

impl Yaml {
    /// Parses the first document, as racks do (Go's yaml.v2 and yaml.v3): the last of equal keys
    /// counts, and merge keys (`<<`) are expanded. Returns `None` if it is invalid.
    pub(super) fn first(mut text: &[u8]) -> Option<Self> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: MAX_DEPTH,
                // many services may share one anchor; the other budgets stop alias bombs
                enforce_alias_anchor_ratio: false,
            },
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            merge_keys: MergeKeyPolicy::Merge,
            non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
            ignore_binary_tag_for_string: true,
            with_snippet: false,
        };
        let first = serde_saphyr::read_with_options(&mut text, options).next();
        first.map_or(Some(Self::Other), Result::ok)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => {
                entries.iter().rfind(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Yaml, E> {
        match text.len() <= MAX_TEXT {
            true => Ok(Yaml::Text(text.to_owned())),
            false => Ok(Yaml::Other),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry()? {
            if let Yaml::Text(key) = key {
                map.push((key, value));
            }
        }
        Ok(Yaml::Map(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        while items.next_element::<Yaml>()?.is_some() {}
        Ok(Yaml::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(from)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Other)
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_at(yaml: &str, path: &[&str]) -> Option<String> {
        let root = Yaml::first(yaml.as_bytes())?;
        let found = path.iter().try_fold(&root, |yaml, key| yaml.get(key))?;
        found.as_text().map(str::to_owned)
    }

    #[test]
    fn whatever_racks_accept_is_accepted() {
        for yaml in [
            "a: {b: x}\n",
            "a: {b: y, b: x}\n",
            "a: {b: y}\na: {b: x}\n",
            "a: {b: x}\n---\na: {b: y}\n",
            "a: {b: x}\n---\n: : [\n",
            "a: {b: x}\n...\nmore: [\n",
            "a: {b: x, ~: y, : z, [1]: z, {c: d}: e}\n",
            "a: {b: x, c: .inf, d: .nan, e: -.inf, f: 99999999999999999999999999999}\n",
            "c: &c {b: x}\na: {<<: *c}\n",
            "c: &c {b: y}\na: {<<: *c, b: x}\n",
            "\u{feff}a: {b: x}\n",
            "a: {b: x, 1: y, true: z}\n",
            "%YAML 1.1\n---\na: {b: !!str x, c: !thing d}\n",
        ] {
            assert_eq!(text_at(yaml, &["a", "b"]).as_deref(), Some("x"), "{yaml}");
        }
    }

    #[test]
    fn one_anchor_may_have_hundreds_of_aliases() {
        let services: String = (0..500).map(|n| format!("  s{n}: *service\n")).collect();
        let manifest = format!("x: &service {{build: x}}\nservices:\n{services}");
        assert_eq!(text_at(&manifest, &["services", "s499", "build"]).as_deref(), Some("x"));
    }

    #[test]
    fn alias_bombs_are_refused_quickly() {
        let laughs: String = (1..20)
            .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")))
            .collect();
        let lists = format!("a0: &a0 [lol, lol]\n{laughs}");
        let maps: String =
            (1..30).map(|n| format!("m{n}: &m{n} {{x: *m{0}, y: *m{0}}}\n", n - 1)).collect();
        let long = format!("a: &a {}\nb:\n{}", "x".repeat(600_000), "  - *a\n".repeat(60_000));
        let merged: String = (0..20_000).map(|n| format!("s{n}: {{<<: *m}}\n")).collect();
        let wide: String = (0..1000).map(|n| format!("k{n}: v, ")).collect();
        for bomb in [
            lists,
            format!("m0: &m0 {{x: y}}\n{maps}"),
            long,
            format!("m: &m {{{wide}}}\n{merged}"),
        ] {
            let started = std::time::Instant::now();
            assert_eq!(Yaml::first(bomb.as_bytes()), None);
            assert!(started.elapsed() < std::time::Duration::from_secs(10), "in a debug build");
        }
    }

    #[test]
    fn invalid_yaml_is_distinguished_from_an_empty_document() {
        for text in ["", "# nothing\n", "~", "[1]", "3", "---\n---\n"] {
            let root = Yaml::first(text.as_bytes());
            assert!(root.is_some_and(|root| root.get("a").is_none()), "{text}");
        }
        for text in ["[".into(), "a: b: c".into(), "a: *b".into(), "[".repeat(100_000)] {
            assert_eq!(Yaml::first(text.as_bytes()), None);
        }
        assert_eq!(Yaml::first(b"a: \xff\xfe"), None);
    }
}
