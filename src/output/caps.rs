//! How a stream looks: whether it is a terminal, shows colors, and how wide it is.

use super::color::Color;

/// How one stream looks. Each stream has its own: a piped stdout leaves stderr's colors alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TermCaps {
    /// A terminal that people read.
    pub is_terminal: bool,
    /// Whether colors are written.
    pub color: Color,
    /// Whether lines may be redrawn in place.
    pub redraws: bool,
    /// Columns of the terminal, where known.
    pub width: Option<u16>,
}

/// What a caps is made from.
#[derive(Debug, Clone, Copy, Default)]
pub struct TermEnv<'a> {
    /// The stream is a terminal.
    pub is_terminal: bool,
    /// Its columns, where known.
    pub width: Option<u16>,
    /// TERM.
    pub term: Option<&'a str>,
    /// NO_COLOR is set to something (<https://no-color.org>).
    pub no_color: bool,
}

impl TermCaps {
    /// A pipe or a file: bytes that stay the same everywhere.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Color only on a terminal that is not dumb, and where nobody said no.
    pub fn of(conditions: TermEnv<'_>) -> Self {
        let is_able = conditions.is_terminal && conditions.term != Some("dumb");
        let is_colored = is_able && !conditions.no_color;
        Self {
            is_terminal: conditions.is_terminal,
            color: if is_colored { Color::On } else { Color::Off },
            redraws: is_able,
            width: conditions.width.filter(|_| conditions.is_terminal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: TermEnv<'_> =
        TermEnv { is_terminal: true, width: Some(80), term: Some("xterm"), no_color: false };

    #[test]
    fn a_terminal_has_colors_unless_it_is_dumb_or_they_are_unwanted() {
        assert_eq!(TermCaps::of(TERMINAL).color, Color::On);
        assert_eq!(TermCaps::of(TermEnv { term: None, ..TERMINAL }).color, Color::On);
        let dumb = TermCaps::of(TermEnv { term: Some("dumb"), ..TERMINAL });
        assert!(dumb.color == Color::Off && !dumb.redraws && dumb.is_terminal);
        let unwanted = TermCaps::of(TermEnv { no_color: true, ..TERMINAL });
        assert!(unwanted.color == Color::Off && unwanted.redraws);
    }

    #[test]
    fn a_pipe_is_plain() {
        assert_eq!(TermCaps::of(TermEnv { is_terminal: false, ..TERMINAL }), TermCaps::plain());
    }
}
