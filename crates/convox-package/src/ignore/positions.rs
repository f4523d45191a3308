//! Matching a row of tokens against a text in bounded time.

use super::tokens::{Token, character};

/// The positions of a text that a row of tokens can have reached: a pattern is matched in time
/// proportional to its length times the text's, whatever stars it has.
pub(super) struct Positions {
    reached: Vec<bool>,
}

impl Positions {
    fn start(text: &[u8]) -> Self {
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        Self { reached }
    }

    pub(super) fn after(tokens: &[Token], text: &[u8]) -> Self {
        tokens.iter().fold(Self::start(text), |positions, token| positions.step(token, text))
    }

    pub(super) fn at_end(&self) -> bool {
        self.reached.last() == Some(&true)
    }

    fn each(&self) -> impl Iterator<Item = usize> {
        self.reached.iter().enumerate().filter(|(_, reached)| **reached).map(|(at, _)| at)
    }

    /// Can the tokens match `text` followed by at least one more byte that is not a slash?
    pub(super) fn may_continue(tokens: &[Token], text: &[u8]) -> bool {
        let mut positions = Self::start(text);
        for token in tokens {
            if positions.may_stop_inside(token, text) {
                return true;
            }
            positions = positions.step(token, text);
        }
        false
    }

    fn may_stop_inside(&self, token: &Token, text: &[u8]) -> bool {
        match token {
            Token::Text(part) => self.each().any(|at| part.starts_with(&text[at..])),
            Token::One | Token::Run | Token::Class { .. } => self.at_end(),
            Token::Folders | Token::Rest => self.each().next().is_some(),
        }
    }

    fn step(&self, token: &Token, text: &[u8]) -> Self {
        let mut reached = vec![false; text.len() + 1];
        match token {
            Token::Text(part) => {
                let fits = |at: &usize| text[*at..].starts_with(part);
                self.each().filter(fits).for_each(|at| reached[at + part.len()] = true);
            }
            Token::One => self.step_one(text, &mut reached, |c| c != u32::from(b'/')),
            Token::Class { negated, ranges } => self.step_one(text, &mut reached, |c| {
                ranges.iter().any(|range| range.contains(&c)) != *negated
            }),
            Token::Run => self.spread(&mut reached, |at| at > 0 && text[at - 1] != b'/'),
            Token::Rest => self.spread(&mut reached, |_| true),
            Token::Folders => self.step_folders(text, &mut reached),
        }
        Self { reached }
    }

    fn step_one(&self, text: &[u8], reached: &mut [bool], fits: impl Fn(u32) -> bool) {
        for at in self.each().filter(|&at| at < text.len()) {
            let (c, length) = character(&text[at..]);
            reached[at + length] |= fits(c);
        }
    }

    /// Extends each position to the right, as long as `over` lets it come to the next.
    fn spread(&self, reached: &mut [bool], over: impl Fn(usize) -> bool) {
        let mut on = false;
        for (at, reached) in reached.iter_mut().enumerate() {
            on = self.reached[at] || (on && over(at));
            *reached = on;
        }
    }

    fn step_folders(&self, text: &[u8], reached: &mut [bool]) {
        let mut begun = false;
        for (at, reached) in reached.iter_mut().enumerate() {
            *reached = self.reached[at] || (begun && text[at - 1] == b'/');
            begun |= self.reached[at];
        }
    }
}
