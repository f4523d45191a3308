//! The environment of a release: `KEY=VALUE` lines.
//!
//! Racks split the text at newlines and each line at its first `=`. They trim the key and keep the
//! value as it is, so a value cannot contain a newline. Lines without `=` or without a key are
//! ignored. An environment that was read and not edited is written back byte for byte; an edited one is
//! written sorted.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Environment variables by name. Two are equal if their variables are.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Option<String>", into = "String")]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The text that this was read from, until it is edited.
    text: Option<String>,
}

impl PartialEq for Environment {
    fn eq(&self, other: &Self) -> bool {
        self.variables == other.variables
    }
}

impl Eq for Environment {}

impl Environment {
    /// Parses the text of a release. Never fails: lines that racks ignore are ignored.
    pub fn parse(text: &str) -> Self {
        let variables = text.split('\n').filter_map(split_line).map(owned).collect();
        Self { variables, text: Some(text.to_owned()) }
    }

    /// The value of a variable.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.variables.get(key).map(String::as_str)
    }

    /// Adds or replaces a variable.
    pub fn set(&mut self, pair: EnvVar) {
        self.variables.insert(pair.key, pair.value);
        self.text = None;
    }

    /// Removes a variable, if present.
    pub fn unset(&mut self, key: &str) {
        if self.variables.remove(key).is_some() {
            self.text = None;
        }
    }

    /// Iterates over the variables, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The variables in the order in which they are stored. A name that is stored twice has the
    /// value of its last line.
    pub fn in_stored_order(&self) -> Vec<(&str, &str)> {
        let Some(text) = &self.text else { return self.iter().collect() };
        let mut seen = HashSet::new();
        let names = text.split('\n').filter_map(split_line).map(|(name, _)| name);
        let first = names.filter(|name| seen.insert(*name));
        first.filter_map(|name| Some((name, self.get(name)?))).collect()
    }

    /// Returns whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// The names of the variables that differ between the two, sorted.
    pub fn difference(&self, other: &Self) -> Vec<String> {
        let mut keys: Vec<&String> = self.variables.keys().chain(other.variables.keys()).collect();
        keys.sort();
        keys.dedup();
        keys.retain(|key| self.variables.get(*key) != other.variables.get(*key));
        keys.into_iter().cloned().collect()
    }
}

fn split_line(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    (!key.is_empty()).then_some((key, value))
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        for (index, (key, value)) in self.variables.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{key}={value}")?;
        }
        Ok(())
    }
}

/// Shows the names only: values are often secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl From<Option<String>> for Environment {
    fn from(text: Option<String>) -> Self {
        text.as_deref().map(Self::parse).unwrap_or_default()
    }
}

impl From<Environment> for String {
    fn from(environment: Environment) -> Self {
        environment.to_string()
    }
}

/// A variable as given by the user: `KEY=VALUE`.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvVar {
    key: String,
    value: String,
}

impl EnvVar {
    /// The name.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns whether the whole value is in quotes. Racks keep those as part of it.
    pub fn is_quoted(&self) -> bool {
        let inner = |quote| self.value.strip_prefix(quote)?.strip_suffix(quote);
        inner('"').or(inner('\'')).is_some()
    }
}

impl EnvVar {
    /// Parses lines of `KEY=VALUE`, as in a `.env` file. Blank lines and those that begin with `#`
    /// are skipped.
    ///
    /// # Errors
    /// The number of the first invalid line, and what is wrong with it.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, InvalidLine> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = (1..).zip(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)));
        lines
            .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
            .map(|(number, line)| line.parse().map_err(|why| InvalidLine { number, why }))
            .collect()
    }
}

impl fmt::Debug for EnvVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

/// Why a text is not a variable. Messages never contain the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnvVar {
    /// It has no `=`.
    #[error("KEY=VALUE expected: {0}")]
    NotAPair(String),
    /// There is nothing before the `=`.
    #[error("KEY=VALUE expected: the name before = is empty")]
    EmptyKey,
    /// It begins with `export`, as in a shell.
    #[error("leave out export: KEY=VALUE expected")]
    Export,
    /// The name contains whitespace or control characters.
    #[error("invalid env key name: {0:?} (must not contain whitespace or control characters)")]
    BadKey(String),
    /// The value contains a zero byte, which no process can have in its environment.
    #[error("the value of {0} contains a zero byte, which no process can have in its environment")]
    Nul(String),
    /// The value contains a newline: racks store one variable per line.
    #[error(
        "the value of {0} contains a newline, which racks cannot store: encode it (for example base64) and decode it in the app"
    )]
    Newline(String),
}

impl InvalidEnvVar {
    fn without_text(&self) -> String {
        match self {
            Self::NotAPair(_) => "KEY=VALUE expected".to_owned(),
            Self::BadKey(_) => {
                "invalid env key name (must not contain whitespace or control characters)"
                    .to_owned()
            }
            Self::EmptyKey | Self::Export | Self::Nul(_) | Self::Newline(_) => self.to_string(),
        }
    }
}

/// An invalid line of a `.env` file.
///
/// Its message shows nothing of the line, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {}", .why.without_text())]
pub struct InvalidLine {
    number: usize,
    why: InvalidEnvVar,
}

impl FromStr for EnvVar {
    type Err = InvalidEnvVar;

    fn from_str(text: &str) -> Result<Self, InvalidEnvVar> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(InvalidEnvVar::NotAPair(text.to_owned()));
        };
        let key = key.trim();
        if key.is_empty() {
            return Err(InvalidEnvVar::EmptyKey);
        }
        if key.split_whitespace().next() == Some("export") && key != "export" {
            return Err(InvalidEnvVar::Export);
        }
        if key.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(InvalidEnvVar::BadKey(key.to_owned()));
        }
        if value.contains('\0') {
            return Err(InvalidEnvVar::Nul(key.to_owned()));
        }
        if value.contains(['\n', '\r']) {
            return Err(InvalidEnvVar::Newline(key.to_owned()));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_environment_that_is_not_edited_is_written_byte_for_byte() {
        let text = "Z=1\n# a comment\nA = x \nZ=2\n\nnot a variable\r\n";
        let mut env = Environment::parse(text);
        assert_eq!(env.to_string(), text);
        assert_eq!(env.in_stored_order(), [("Z", "2"), ("A", " x ")]);
        env.unset("MISSING");
        assert_eq!(env.to_string(), text);
        env.set("B=3".parse().unwrap());
        assert_eq!(env.to_string(), "A= x \nB=3\nZ=2");
        assert_eq!(env, Environment::parse("B=3\nZ=2\nA= x "));
    }

    #[test]
    fn lines_without_a_key_or_an_equals_sign_are_ignored() {
        let environment = Environment::parse("B=2=3\nnoise\n=x\n A = 1\n\n");
        assert_eq!(environment.iter().collect::<Vec<_>>(), [("A", " 1"), ("B", "2=3")]);
    }

    #[test]
    fn a_bad_argument_is_named_without_its_value() {
        assert_eq!("PLAIN".parse::<EnvVar>(), Err(InvalidEnvVar::NotAPair("PLAIN".into())));
        let error = "KEY=secret\nmore".parse::<EnvVar>().unwrap_err().to_string();
        assert!(error.contains("KEY") && !error.contains("secret"));
        assert_eq!("A B=1".parse::<EnvVar>(), Err(InvalidEnvVar::BadKey("A B".into())));
        assert_eq!("=1".parse::<EnvVar>(), Err(InvalidEnvVar::EmptyKey));
    }

    #[test]
    fn only_a_value_that_is_quoted_as_a_whole_counts_as_quoted() {
        let is_quoted = |text: &str| text.parse::<EnvVar>().unwrap().is_quoted();
        assert!(is_quoted("A=\"b\"") && is_quoted("A='b c'") && is_quoted("A=''"));
        assert!(
            !is_quoted("A=b") && !is_quoted("A='b") && !is_quoted("A=\"") && !is_quoted("A='b\"")
        );
    }

    #[test]
    fn lines_of_a_file_may_be_comments_and_a_bad_one_is_named_by_its_number() {
        let pairs = EnvVar::parse_lines("\u{feff}A=1\r\n# note\n\n B = 2=3\n").unwrap();
        let keys: Vec<_> = pairs.iter().map(EnvVar::key).collect();
        assert_eq!(keys, ["A", "B"]);
        let error = EnvVar::parse_lines("A=1\nexport B=2\n").unwrap_err().to_string();
        assert_eq!(error, "line 2: leave out export: KEY=VALUE expected");
        assert_eq!("export=1".parse::<EnvVar>().unwrap().key(), "export");
    }

    #[test]
    fn nothing_of_an_invalid_line_is_shown() {
        for line in ["DB_PASS hunter4", "hunter4 DB=1", "hunter4"] {
            let error = EnvVar::parse_lines(&format!("A=1\n{line}\n")).unwrap_err().to_string();
            assert!(error.starts_with("line 2: ") && !error.contains("hunter4"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_set_comes_back_from_the_text(
            pairs in prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,8}", "[^\r\n\0]{0,20}", 0..8)
        ) {
            let mut environment = Environment::default();
            for (key, value) in &pairs {
                environment.set(format!("{key}={value}").parse().unwrap());
            }
            let again = Environment::parse(&environment.to_string());
            prop_assert_eq!(&again, &environment);
            prop_assert!(again.iter().eq(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()))));
        }
    }
}
