//! How a stream looks: whether it is a terminal, shows colours, and how wide it is.

use super::colour::Colour;

/// How one stream looks. Each stream has its own: a piped stdout leaves stderr's colours alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// A terminal that people read.
    pub is_terminal: bool,
    /// Whether colours are written.
    pub colour: Colour,
    /// Whether lines may be redrawn in place.
    pub redraws: bool,
    /// Columns of the terminal, where known.
    pub width: Option<u16>,
}

/// What a look is made from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// The stream is a terminal.
    pub is_terminal: bool,
    /// Its columns, where known.
    pub width: Option<u16>,
    /// TERM.
    pub term: Option<&'a str>,
    /// NO_COLOR is set to something (<https://no-color.org>).
    pub no_color: bool,
}

impl Look {
    /// A pipe or a file: bytes that stay the same everywhere.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Colour only on a terminal that is not dumb, and where nobody said no.
    pub fn of(conditions: Conditions<'_>) -> Self {
        let is_able = conditions.is_terminal && conditions.term != Some("dumb");
        let is_coloured = is_able && !conditions.no_color;
        Self {
            is_terminal: conditions.is_terminal,
            colour: if is_coloured { Colour::On } else { Colour::Off },
            redraws: is_able,
            width: conditions.width.filter(|_| conditions.is_terminal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Conditions<'_> =
        Conditions { is_terminal: true, width: Some(80), term: Some("xterm"), no_color: false };

    #[test]
    fn a_terminal_has_colours_unless_it_is_dumb_or_they_are_unwanted() {
        assert_eq!(Look::of(TERMINAL).colour, Colour::On);
        assert_eq!(Look::of(Conditions { term: None, ..TERMINAL }).colour, Colour::On);
        let dumb = Look::of(Conditions { term: Some("dumb"), ..TERMINAL });
        assert!(dumb.colour == Colour::Off && !dumb.redraws && dumb.is_terminal);
        let unwanted = Look::of(Conditions { no_color: true, ..TERMINAL });
        assert!(unwanted.colour == Colour::Off && unwanted.redraws);
    }

    #[test]
    fn a_pipe_is_plain() {
        assert_eq!(Look::of(Conditions { is_terminal: false, ..TERMINAL }), Look::plain());
    }
}
