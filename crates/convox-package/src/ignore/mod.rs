//! The rules of a `.dockerignore` file, read and applied as Docker's documentation describes.
//!
//! One pattern a line; `#` at the start of a line is a comment; blanks around a pattern and a
//! byte order mark do not count; a pattern is cleaned (`a/../b/` is `b`) and one leading slash
//! dropped. Patterns are anchored at the root; a pattern that matches a folder covers all that is
//! in it; of several patterns that cover a path the last one decides, and it includes the path if
//! it begins with `!`. Paths are bytes: names that are no UTF-8 match like any other.

mod pattern;
mod positions;
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

/// A line of an ignore file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RuleError {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it, in words that go on after "line 3: ".
    pub reason: String,
}

impl Rules {
    /// Reads an ignore file.
    ///
    /// # Errors
    /// The first line that Docker would refuse as well: a `!` with nothing after it, or a pattern
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

    /// Is nothing left out?
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Is this path left out? It is relative to the root, with single slashes between its
    /// components and none at its ends.
    ///
    /// Docker's rules do not ask whether a path is a folder, so neither does this.
    pub fn excludes(&self, path: &[u8]) -> bool {
        let mut scope = self.root();
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let verdict = self.judge(&scope, &path[..at]);
            scope = self.enter(&scope, &path[..=at], verdict);
        }
        self.judge(&scope, path).excludes()
    }

    /// The scope of the root folder: every rule may match in it.
    pub(super) fn root(&self) -> Scope {
        let live = (0..self.rules.len()).rev().collect();
        Scope { verdict: Verdict::default(), live }
    }

    /// What the rules say of a path directly in the folder of `scope`.
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

    /// The scope of a folder (its path ends in a slash) that was judged in `parent`: rules that
    /// can match nothing in it, or change nothing there, are not asked again below it.
    pub(super) fn enter(&self, parent: &Scope, folder: &[u8], verdict: Verdict) -> Scope {
        let matters = |at: &usize| verdict.by.is_none_or(|by| *at > by);
        let matches = |at: &usize| self.rules[*at].pattern.may_match_below(folder);
        let live = parent.live.iter().copied().filter(|at| matters(at) && matches(at)).collect();
        Scope { verdict, live }
    }

    /// Could an exception bring back anything in this excluded folder?
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

/// What the rules say of a path: which rule decides, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    by: Option<usize>,
    excludes: bool,
}

impl Verdict {
    /// Is the path left out?
    pub(super) fn excludes(self) -> bool {
        self.excludes
    }
}

/// A folder, as the rules see it: what they say of itself, and which of them may still match
/// in it, the last one first.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    verdict: Verdict,
    live: Vec<usize>,
}

/// Without the white space around it, as far as the line is text.
fn trim(line: &[u8]) -> &[u8] {
    match std::str::from_utf8(line) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => line.trim_ascii(),
    }
}
