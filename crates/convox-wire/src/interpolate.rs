//! `${VAR}` in the text of a manifest.

use std::borrow::Cow;

use super::Environment;

impl Environment {
    /// Replaces every `${VAR}`, anywhere in the text of a manifest, with the value of the variable,
    /// or with nothing if it has none. As on v3 racks, which do so before they parse the YAML, a
    /// value can be any part of the text, and there is no escape.
    pub fn interpolate<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut replaced = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_reference(rest) {
            replaced.push_str(before);
            replaced.push_str(self.get(name).unwrap_or_default());
            rest = after;
        }
        if rest.len() == text.len() {
            return Cow::Borrowed(text);
        }
        replaced.push_str(rest);
        Cow::Owned(replaced)
    }
}

/// Splits a text at its first reference: the text before it, its name, and the text after it.
fn next_reference(text: &str) -> Option<(&str, &str, &str)> {
    let (before, reference) = text.split_once("${")?;
    let (name, after) = reference.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_by_values_or_nothing() {
        let environment = Environment::parse("A=1\nB=${A}\nA B=x");
        for (text, expected) in [
            ("a: ${A}${B}\n# ${A}", "a: 1${A}\n# 1"),
            ("[${NONE}] ${} $A ${A", "[]  $A ${A"),
            ("${A B}${${A}", "x"),
            ("'$${A}'", "'$1'"),
        ] {
            assert_eq!(environment.interpolate(text), expected, "{text}");
        }
        assert!(matches!(environment.interpolate("a: $A"), Cow::Borrowed(_)));
    }
}
