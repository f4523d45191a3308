//! Matching a sequence of tokens against a text in bounded time.

use super::tokens::{Token, character};

/// The positions in a text that a sequence of tokens can have reached: the states of a
/// nondeterministic automaton. Matching takes time proportional to the length of the pattern times
/// that of the text, however many stars there are.
pub(super) struct NfaStates {
    reached: Vec<bool>,
}

impl NfaStates {
    fn start(text: &[u8]) -> Self {
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        Self { reached }
    }

    pub(super) fn after(tokens: &[Token], text: &[u8]) -> Self {
        tokens.iter().fold(Self::start(text), |states, token| states.step(token, text))
    }

    pub(super) fn at_end(&self) -> bool {
        self.reached.last() == Some(&true)
    }

    fn each(&self) -> impl Iterator<Item = usize> {
        self.reached.iter().enumerate().filter(|(_, reached)| **reached).map(|(at, _)| at)
    }

    /// Returns whether the tokens can match `text` followed by at least one byte that is not a
    /// slash.
    pub(super) fn may_continue(tokens: &[Token], text: &[u8]) -> bool {
        let mut states = Self::start(text);
        for token in tokens {
            if states.may_stop_inside(token, text) {
                return true;
            }
            states = states.step(token, text);
        }
        false
    }

    fn may_stop_inside(&self, token: &Token, text: &[u8]) -> bool {
        match token {
            Token::Text(part) => self.each().any(|at| part.starts_with(&text[at..])),
            Token::One | Token::Run | Token::Class { .. } => self.at_end(),
            Token::Directories | Token::Rest => self.each().next().is_some(),
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
            Token::Directories => self.step_directories(text, &mut reached),
        }
        Self { reached }
    }

    fn step_one(&self, text: &[u8], reached: &mut [bool], fits: impl Fn(u32) -> bool) {
        for at in self.each().filter(|&at| at < text.len()) {
            let (c, length) = character(&text[at..]);
            reached[at + length] |= fits(c);
        }
    }

    /// Extends each position to the right, past every byte that `over` accepts.
    fn spread(&self, reached: &mut [bool], over: impl Fn(usize) -> bool) {
        let mut on = false;
        for (at, reached) in reached.iter_mut().enumerate() {
            on = self.reached[at] || (on && over(at));
            *reached = on;
        }
    }

    fn step_directories(&self, text: &[u8], reached: &mut [bool]) {
        let mut begun = false;
        for (at, reached) in reached.iter_mut().enumerate() {
            *reached = self.reached[at] || (begun && text[at - 1] == b'/');
            begun |= self.reached[at];
        }
    }
}
