//! `vars.json`: the variables of a rack's Terraform module, its name and its version included.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use crate::error::CommandError;
use crate::flows::rack_parameter_names::{CLEARABLE, has};

/// The name of the file.
pub(super) const FILE: &str = "vars.json";

/// The variables that are not parameters.
const OTHERS: [&str; 3] = ["name", "region", "release"];

/// The variables of a rack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vars(BTreeMap<String, String>);

impl Vars {
    /// Reads those of the rack in `dir`.
    pub(super) fn read(dir: &Path) -> Result<Self, CommandError> {
        let path = dir.join(FILE);
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => CommandError::new(format!("{shown} does not exist"))
                .hint(format!("write the variables of {}/main.tf to it, as JSON", dir.display())),
            _ => CommandError::while_doing(format!("{shown} can't be read"), error),
        })?;
        // The reason is not repeated: it may quote a value.
        let broken = |what: String| {
            CommandError::new(format!("{shown}: {what}"))
                .hint("correct the file: a JSON object whose values are strings")
        };
        let values: BTreeMap<String, Value> = serde_json::from_str(&text).map_err(|error| {
            broken(format!(
                "expected a JSON object (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        let mut vars = BTreeMap::new();
        for (name, value) in values {
            let text = match value {
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Null => continue,
                Value::Array(_) | Value::Object(_) => {
                    return Err(broken(format!("the value of {name} is not a string")));
                }
            };
            vars.insert(name, text);
        }
        Ok(Self(vars))
    }

    /// The parameters of the rack.
    pub(super) fn parameters(&self) -> BTreeMap<String, String> {
        let mut parameters = self.0.clone();
        parameters.retain(|name, _| !OTHERS.contains(&name.as_str()));
        parameters
    }

    /// The version of the rack.
    pub(super) fn release(&self) -> Option<&str> {
        self.0.get("release").map(String::as_str).filter(|release| !release.is_empty())
    }

    /// Sets variables. Blank ones are removed, except for those that blank is a value of.
    pub(super) fn set(&mut self, changes: &BTreeMap<String, String>) {
        self.0.extend(changes.clone());
        self.0.retain(|name, value| !value.trim().is_empty() || has(CLEARABLE, name));
    }

    /// Sets the version, and the name if there is none.
    pub(super) fn set_release(&mut self, release: &str, name: &str) {
        self.0.insert("release".to_owned(), release.to_owned());
        self.0.entry("name".to_owned()).or_insert_with(|| name.to_owned());
    }

    /// All variables.
    pub(super) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// The text of the file.
    pub(super) fn text(&self) -> Result<String, CommandError> {
        serde_json::to_string_pretty(&self.0)
            .map_err(|error| CommandError::while_doing("vars.json can't be written", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vars, CommandError> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), text).unwrap();
        Vars::read(dir.path())
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn parameters_are_the_variables_without_name_region_and_release() {
        let vars = read(r#"{"name":"n","region":"r","release":"3.24.7","node_disk":20,"x":null}"#);
        let vars = vars.unwrap();
        assert_eq!(vars.parameters(), map(&[("node_disk", "20")]));
        assert_eq!(vars.release(), Some("3.24.7"));
    }

    #[test]
    fn blank_values_are_kept_only_where_blank_is_a_value() {
        let mut vars = Vars(map(&[("node_type", "t3.small"), ("tags", "a=b")]));
        vars.set(&map(&[("node_type", " "), ("tags", ""), ("idle_timeout", "60")]));
        assert_eq!(vars.0, map(&[("idle_timeout", "60"), ("tags", "")]));
    }

    #[test]
    fn the_text_is_indented_and_sorted() {
        let mut vars = Vars(map(&[("z", "a\"b\n")]));
        vars.set_release("3.24.7", "north");
        let text =
            "{\n  \"name\": \"north\",\n  \"release\": \"3.24.7\",\n  \"z\": \"a\\\"b\\n\"\n}";
        assert_eq!(vars.text().unwrap(), text);
    }

    #[test]
    fn a_broken_file_is_named_without_its_values() {
        for (text, expected) in [
            ("", "expected a JSON object (line 1, column 0)"),
            ("[]", "expected a JSON object"),
            (r#"{"token": "hunter2"#, "expected a JSON object (line 1"),
            (r#"{"tags": {"a": "hunter2"}}"#, "the value of tags is not a string"),
        ] {
            let error = read(text).unwrap_err().message();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
    }
}
