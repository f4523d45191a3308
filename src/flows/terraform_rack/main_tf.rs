//! `main.tf`: the Terraform configuration of a rack, as 3.x clients write it.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::error::CommandError;

/// The name of the file.
pub(super) const FILE: &str = "main.tf";

/// What the file is made of.
pub(super) struct Configuration<'a> {
    /// Where Terraform gets the module from.
    pub(super) source: String,
    /// The cloud provider.
    pub(super) provider: &'a str,
    /// The version.
    pub(super) release: &'a str,
    /// The variables of the module.
    pub(super) variables: &'a BTreeMap<String, String>,
}

/// The source of the module for a provider: a version's on GitHub, or `own` with its `%s` replaced.
pub(super) fn source(own: Option<&str>, provider: &str, release: &str) -> String {
    match own {
        Some(own) => own.replacen("%s", provider, 1),
        None => {
            format!("github.com/convox/convox//terraform/system/{provider}?ref={release}")
        }
    }
}

impl Configuration<'_> {
    /// The text of the file.
    ///
    /// # Errors
    /// A variable has a name that Terraform does not allow.
    pub(super) fn text(&self) -> Result<String, CommandError> {
        let mut arguments = String::new();
        for (name, value) in self.variables {
            if !is_identifier(name) {
                return Err(CommandError::new(format!(
                    "'{name}' can't be the name of a parameter on a rack that Terraform manages"
                ))
                .hint("use letters, digits, underscores and dashes, beginning with a letter"));
            }
            // Writing to a string does not fail.
            let _ = write!(arguments, "\n\t\t\t{name} = {}", quoted(value));
        }
        let (source, provider) = (quoted(&self.source), quoted(self.provider));
        let release = quoted(self.release);
        Ok(format!(
            "\n\t\tmodule \"system\" {{\n\t\t\tsource = {source}{arguments}\n\t\t}}\n\n\t\toutput \
             \"api\" {{\n\t\t\tvalue     = module.system.api\n\t\t\tsensitive = true\n\t\t}}\n\n\t\t\
             output \"provider\" {{\n\t\t\tvalue = {provider}\n\t\t}}\n\n\t\toutput \"release\" \
             {{\n\t\t\tvalue = {release}\n\t\t}}"
        ))
    }
}

/// Returns whether a text is an identifier of Terraform's language.
fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|one| one.is_ascii_alphanumeric() || matches!(one, '_' | '-'))
}

/// A string of Terraform's language, in which nothing of `text` is more than text: quotes,
/// backslashes, line ends and other control characters, and the beginnings of templates (`${`,
/// `%{`) are escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    let mut chars = text.chars().peekable();
    while let Some(one) = chars.next() {
        match one {
            '"' | '\\' => quoted.extend(['\\', one]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => quoted.extend([one, one]),
            // A run of them before a brace has no clear meaning.
            '$' | '%' if matches!(chars.peek(), Some('$' | '%')) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(one));
            }
            _ if one.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(one));
            }
            _ => quoted.push(one),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_one_of_3_x_clients() {
        let variables =
            [("name", "foo"), ("rack_name", "foo"), ("region", "us-east-1"), ("release", "3.24.7")];
        let variables = variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let source = source(None, "aws", "3.24.7");
        let file =
            Configuration { source, provider: "aws", release: "3.24.7", variables: &variables };
        let expected = r#"

		module "system" {
			source = "github.com/convox/convox//terraform/system/aws?ref=3.24.7"
			name = "foo"
			rack_name = "foo"
			region = "us-east-1"
			release = "3.24.7"
		}

		output "api" {
			value     = module.system.api
			sensitive = true
		}

		output "provider" {
			value = "aws"
		}

		output "release" {
			value = "3.24.7"
		}"#;
        assert_eq!(file.text().unwrap(), expected[1..]);
    }

    #[test]
    fn values_are_never_more_than_text() {
        for (value, expected) in [
            ("a", r#""a""#),
            (r#"a" }"#, r#""a\" }""#),
            (r"a\", r#""a\\""#),
            ("a\nb\r\tc", r#""a\nb\r\tc""#),
            ("${file(\"/etc/passwd\")}", r#""$${file(\"/etc/passwd\")}""#),
            ("%{ if true }$${x}", r#""%%{ if true }\u0024$${x}""#),
            ("100% $5", r#""100% $5""#),
            ("\u{1b}é", "\"\\u001bé\""),
        ] {
            assert_eq!(quoted(value), expected, "{value}");
        }
    }

    #[test]
    fn names_are_identifiers() {
        for (name, expected) in [
            ("node_type", true),
            ("a-b1", true),
            ("1a", false),
            ("a = \"b\"\nc", false),
            ("", false),
        ] {
            assert_eq!(is_identifier(name), expected, "{name}");
        }
    }

    #[test]
    fn the_source_can_be_replaced() {
        assert_eq!(source(Some("/src/%s"), "gcp", "3.24.7"), "/src/gcp");
        assert_eq!(source(Some("/src/own"), "gcp", "3.24.7"), "/src/own");
    }
}
