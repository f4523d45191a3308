//! The rules of a `.dockerignore` file, parsed and applied as Docker's documentation describes.
//!
//! There is one pattern per line. `#` at the start of a line begins a comment. White space around a
//! pattern and a byte order mark are ignored. A pattern is cleaned (`a/../b/` becomes `b`), and one
//! leading slash is dropped.
//!
//! Patterns are anchored at the root. A pattern that matches a directory covers everything in it.
//! If several patterns cover a path, the last one decides: it includes the path if it begins with
//! `!`, and excludes it otherwise. Paths are bytes, so names that are not UTF-8 match like others.

mod nfa;
mod pattern;
mod tokens;

#[cfg(test)]
mod tests;

use pattern::Pattern;

use super::names::clean;

/// The rules of one ignore file, in order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    exception: bool,
}

/// A syntax error in an ignore file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RuleError {
    /// The line number, from 1.
    pub line: usize,
    /// What is wrong with it, as a phrase without a capital or a period.
    pub reason: String,
}

impl Rules {
    /// Parses an ignore file.
    ///
    /// # Errors
    /// Fails on the first line that Docker would refuse too: a `!` without a pattern, or a pattern
    /// with a syntax error.
    pub fn parse(file: &[u8]) -> Result<Self, RuleError> {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let lines = file.split(|&byte| byte == b'\n').enumerate();
        let rules = lines.filter_map(|(at, line)| match Rule::parse(line) {
            Ok(None) => None,
            Ok(Some(rule)) => Some(Ok(rule)),
            Err(reason) => Some(Err(RuleError { line: at + 1, reason })),
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// Returns whether there are no rules.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns whether this path is left out. It is relative to the root, with single slashes
    /// between its components and none at its ends.
    ///
    /// In Docker's rules it does not matter whether a path is a directory.
    ///
    /// ```
    /// use convox_package::ignore::Rules;
    ///
    /// let rules = Rules::parse(b"*.log\n!keep.log\n")?;
    /// assert!(rules.excludes(b"debug.log"));
    /// assert!(!rules.excludes(b"keep.log"));
    /// # Ok::<(), convox_package::ignore::RuleError>(())
    /// ```
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.judge_path(path).excludes()
    }

    /// Returns the verdict on any path, without the scopes that a walk has at hand.
    pub(super) fn judge_path(&self, path: &[u8]) -> Verdict {
        let mut scope = self.root();
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let verdict = self.judge(&scope, &path[..at]);
            scope = self.enter(&scope, &path[..=at], verdict);
        }
        self.judge(&scope, path)
    }

    /// Returns the scope of the root directory, in which every rule may match.
    pub(super) fn root(&self) -> Scope {
        let live = (0..self.rules.len()).rev().collect();
        Scope { verdict: Verdict::default(), live }
    }

    /// Returns the verdict on a path directly in the directory of `scope`.
    pub(super) fn judge(&self, scope: &Scope, path: &[u8]) -> Verdict {
        let slash = path.iter().rposition(|&byte| byte == b'/');
        let name = &path[slash.map_or(0, |at| at + 1)..];
        let undecided = |at: &&usize| scope.verdict.by.is_none_or(|by| **at > by);
        let decides = |at: &&usize| self.rules[**at].pattern.matches(path, name);
        match scope.live.iter().take_while(undecided).find(decides) {
            Some(&at) => Verdict { by: Some(at), excludes: !self.rules[at].exception },
            None => scope.verdict,
        }
    }

    /// Returns the scope of a directory, whose path ends in a slash, with its verdict in `parent`.
    /// Rules that cannot match or change anything below it are dropped.
    pub(super) fn enter(&self, parent: &Scope, directory: &[u8], verdict: Verdict) -> Scope {
        let matters = |at: &usize| verdict.by.is_none_or(|by| *at > by);
        let matches = |at: &usize| self.rules[*at].pattern.may_match_below(directory);
        let live = parent.live.iter().copied().filter(|at| matters(at) && matches(at)).collect();
        Scope { verdict, live }
    }

    /// Returns whether an exception may include anything in this excluded directory.
    pub(super) fn may_readmit(&self, scope: &Scope) -> bool {
        scope.live.iter().any(|&at| self.rules[at].exception)
    }
}

impl Rule {
    fn parse(line: &[u8]) -> Result<Option<Self>, String> {
        if line.starts_with(b"#") {
            return Ok(None);
        }
        let (exception, text) = match trim(line) {
            [b'!', text @ ..] => (true, trim(text)),
            text => (false, text),
        };
        match (exception, text.is_empty()) {
            (true, true) => return Err("illegal exclusion pattern: \"!\"".to_owned()),
            (false, true) => return Ok(None),
            _ => {}
        }
        let cleaned = clean(text);
        let anchored = match cleaned.as_slice() {
            [b'/', rest @ ..] if !rest.is_empty() => rest,
            all => all,
        };
        let shown = String::from_utf8_lossy(text);
        let pattern = Pattern::compile(anchored)
            .map_err(|e| format!("syntax error in pattern {shown:?}: {e}"))?;
        Ok(Some(Self { pattern, exception }))
    }
}

/// The verdict on a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    /// The index of the rule that decides, if there is one.
    by: Option<usize>,
    excludes: bool,
}

impl Verdict {
    /// Returns whether the path is left out.
    pub(super) fn excludes(self) -> bool {
        self.excludes
    }

    /// Returns whether a rule covers the path.
    pub(super) fn is_decided(self) -> bool {
        self.by.is_some()
    }
}

/// A directory from the rules' point of view: the verdict on itself, and the rules that may still
/// match in it, the last one first.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    verdict: Verdict,
    live: Vec<usize>,
}

/// Trims Unicode white space if the line is UTF-8, else ASCII white space.
fn trim(line: &[u8]) -> &[u8] {
    match std::str::from_utf8(line) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => line.trim_ascii(),
    }
}
