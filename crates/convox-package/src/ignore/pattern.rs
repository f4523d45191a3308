//! A pattern of an ignore file, compiled once and matched against the bytes of paths.
//!
//! The language is that of Go's `filepath.Match` with `**`, as Docker's documentation of
//! `.dockerignore` describes. Where that is silent, this does what Docker's builder does: `**`
//! before more matches any number of whole directories, `**` at the end matches anything, and a
//! leading `**` directly before plain text (`**.log`) matches any prefix.

use super::nfa::NfaStates;
use super::tokens::{SyntaxError, Token, tokens};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Form);

/// How a pattern is matched: for most, comparing a prefix and a suffix is enough.
#[derive(Clone, Debug)]
enum Form {
    /// Matches the last component of a path: `**/*.log`.
    Name(Ends),
    /// Matches the whole path: `build`, `src/*.o`.
    Whole(Ends),
    /// Anything else.
    Tokens { tokens: Vec<Token>, head: Box<[u8]>, tail: Box<[u8]>, longest: Box<[u8]> },
}

/// A fixed prefix and suffix, with at most one `*` between them.
#[derive(Clone, Debug)]
struct Ends {
    head: Box<[u8]>,
    tail: Box<[u8]>,
    star: bool,
}

impl Pattern {
    /// Compiles a pattern that has been cleaned (no double slashes, none at the end).
    pub(super) fn compile(pattern: &[u8]) -> Result<Self, SyntaxError> {
        Ok(Self(Form::of(tokens(pattern)?)))
    }

    /// Returns whether the pattern matches exactly this path, whose last component is `name`.
    pub(super) fn matches(&self, path: &[u8], name: &[u8]) -> bool {
        match &self.0 {
            Form::Name(ends) => ends.matches(name),
            Form::Whole(ends) => ends.matches(path),
            Form::Tokens { tokens, head, tail, longest } => {
                path.starts_with(head)
                    && path.ends_with(tail)
                    && contains(path, longest)
                    && NfaStates::after(tokens, path).at_end()
            }
        }
    }

    /// Returns whether the pattern may match something below this directory, whose path ends in a
    /// slash.
    pub(super) fn may_match_below(&self, directory: &[u8]) -> bool {
        match &self.0 {
            Form::Name(_) => true,
            Form::Whole(ends) => ends.may_start(directory),
            Form::Tokens { tokens, head, .. } => {
                agree(head, directory) && NfaStates::may_continue(tokens, directory)
            }
        }
    }
}

impl Form {
    fn of(tokens: Vec<Token>) -> Self {
        match tokens.as_slice() {
            [Token::Directories, rest @ ..] if rest.iter().all(Token::stays_in_component) => {
                match Ends::of(rest) {
                    Some(ends) => Self::Name(ends),
                    None => Self::general(tokens),
                }
            }
            all => match Ends::of(all) {
                Some(ends) => Self::Whole(ends),
                None => Self::general(tokens),
            },
        }
    }

    fn general(tokens: Vec<Token>) -> Self {
        let text = |token: Option<&Token>| match token {
            Some(Token::Text(text)) => text.clone(),
            _ => Box::default(),
        };
        let longest = tokens.iter().map(|token| text(Some(token))).max_by_key(|text| text.len());
        Self::Tokens {
            head: text(tokens.first()),
            tail: text(tokens.last()),
            longest: longest.unwrap_or_default(),
            tokens,
        }
    }
}

impl Ends {
    fn of(tokens: &[Token]) -> Option<Self> {
        let (head, star, tail) = match tokens {
            [Token::Text(head)] => (head.clone(), false, Box::default()),
            [Token::Run] => (Box::default(), true, Box::default()),
            [Token::Text(head), Token::Run] => (head.clone(), true, Box::default()),
            [Token::Run, Token::Text(tail)] => (Box::default(), true, tail.clone()),
            [Token::Text(head), Token::Run, Token::Text(tail)] => {
                (head.clone(), true, tail.clone())
            }
            _ => return None,
        };
        Some(Self { head, tail, star })
    }

    fn matches(&self, text: &[u8]) -> bool {
        if !self.star {
            return text == &*self.head;
        }
        text.len() >= self.head.len() + self.tail.len()
            && text.ends_with(&self.tail)
            && text.starts_with(&self.head)
            && !text[self.head.len()..text.len() - self.tail.len()].contains(&b'/')
    }

    fn may_start(&self, directory: &[u8]) -> bool {
        match directory.strip_prefix(&*self.head) {
            None => self.head.starts_with(directory),
            Some(_) if !self.star => false,
            Some(b"") => true,
            // the star stops at the first slash, so the tail has to match from there
            Some(rest) => {
                let slashes = || self.tail.iter().enumerate().filter(|(_, b)| **b == b'/');
                let first = rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
                slashes().take(1).any(|(at, _)| {
                    rest[..first].ends_with(&self.tail[..at])
                        && agree(&self.tail[at..], &rest[first..])
                        && self.tail.len() - at > rest.len() - first
                })
            }
        }
    }
}

/// Returns whether one of the two is a prefix of the other.
fn agree(a: &[u8], b: &[u8]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
