//! Parsing patterns into tokens.

use std::ops::RangeInclusive;

/// A syntax error in a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyntaxError {
    #[error("a [ has no matching ]")]
    OpenClass,
    #[error("[] names no characters")]
    EmptyClass,
    #[error("- and ] inside [ ] need a \\ before them")]
    BareDash,
    #[error("a range inside [ ] ends before it starts")]
    Backwards,
    #[error("a \\ at the end escapes nothing")]
    TrailingEscape,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Literal bytes.
    Text(Box<[u8]>),
    /// `?`: one character except a slash.
    One,
    /// `*`: any characters except slashes.
    Run,
    /// `[a-z]`, `[^a-z]`. As in Docker, a negated class may match a slash.
    Class { negated: bool, ranges: Vec<RangeInclusive<u32>> },
    /// `**/`: nothing, or anything that ends in a slash.
    Directories,
    /// `**` at the end: anything.
    Rest,
}

impl Token {
    pub(super) fn stays_in_component(&self) -> bool {
        match self {
            Self::Text(text) => !text.contains(&b'/'),
            Self::One | Self::Run => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|range| range.contains(&u32::from(b'/'))) == *negated
            }
            Self::Directories | Self::Rest => false,
        }
    }
}

/// Returns the first character of a text that is not empty, and its length in bytes. A byte that is
/// not UTF-8 counts as a character beyond Unicode's range.
pub(super) fn character(text: &[u8]) -> (u32, usize) {
    let ahead = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(ahead) {
        Ok(valid) => valid,
        Err(e) => std::str::from_utf8(&ahead[..e.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(c) => (u32::from(c), c.len_utf8()),
        None => (0x11_0000 + u32::from(text[0]), 1),
    }
}

/// Parses a pattern.
pub(super) fn tokens(pattern: &[u8]) -> Result<Vec<Token>, SyntaxError> {
    let mut tokens = Tokens::default();
    let mut rest = pattern;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after) {
            (b'*', [b'*', after @ ..]) => {
                let first = rest.len() == pattern.len();
                tokens.push_double_star(after, first)
            }
            (b'*', after) => tokens.push(Token::Run, after),
            (b'?', after) => tokens.push(Token::One, after),
            (b'[', after) => {
                let (class, after) = class(after)?;
                tokens.push(class, after)
            }
            (b'\\', []) => return Err(SyntaxError::TrailingEscape),
            (b'\\', [byte, after @ ..]) => tokens.push_byte(*byte, after),
            (byte, after) => tokens.push_byte(byte, after),
        };
    }
    tokens.flush();
    Ok(tokens.done)
}

#[derive(Default)]
struct Tokens {
    done: Vec<Token>,
    text: Vec<u8>,
}

impl Tokens {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.done.push(Token::Text(std::mem::take(&mut self.text).into()));
        }
    }

    fn push<'a>(&mut self, token: Token, after: &'a [u8]) -> &'a [u8] {
        self.flush();
        self.done.push(token);
        after
    }

    fn push_byte<'a>(&mut self, byte: u8, after: &'a [u8]) -> &'a [u8] {
        self.text.push(byte);
        after
    }

    fn push_double_star<'a>(&mut self, after: &'a [u8], first: bool) -> &'a [u8] {
        let plain = |text: &[u8]| !text.iter().any(|byte| b"*?[]\\".contains(byte));
        match after {
            [] | [b'/'] => self.push(Token::Rest, &[]),
            [b'/', after @ ..] => self.push(Token::Directories, after),
            after if first && plain(after) => self.push(Token::Rest, after),
            after => self.push(Token::Directories, after),
        }
    }
}

/// Parses a class after its `[`, as Go's `filepath.Match` does.
fn class(text: &[u8]) -> Result<(Token, &[u8]), SyntaxError> {
    let (negated, mut rest) = match text {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        match rest {
            [b']', ..] if ranges.is_empty() => return Err(SyntaxError::EmptyClass),
            [b']', rest @ ..] => return Ok((Token::Class { negated, ranges }, rest)),
            _ => {}
        }
        let (low, after) = class_character(rest)?;
        let (high, after) = match after {
            [b'-', after @ ..] => class_character(after)?,
            after => (low, after),
        };
        if low > high {
            return Err(SyntaxError::Backwards);
        }
        ranges.push(low..=high);
        rest = after;
    }
}

fn class_character(text: &[u8]) -> Result<(u32, &[u8]), SyntaxError> {
    let text = match text {
        [] | [b'\\'] => return Err(SyntaxError::OpenClass),
        [b'-' | b']', ..] => return Err(SyntaxError::BareDash),
        [b'\\', text @ ..] => text,
        text => text,
    };
    let (c, length) = character(text);
    Ok((c, &text[length..]))
}
