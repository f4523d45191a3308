//! The capabilities of a stream: whether it is a terminal, shows colors, and its width.

use super::color::Color;

/// The capabilities of a stream. Each stream has its own: piping stdout does not affect stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TermCaps {
    /// Whether the stream is a terminal.
    pub is_terminal: bool,
    /// Whether to print colors.
    pub color: Color,
    /// Whether lines can be redrawn in place.
    pub redraws: bool,
    /// The width of the terminal in columns, if known.
    pub width: Option<u16>,
}

/// The facts that determine the capabilities of a stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct TermEnv<'a> {
    /// Whether the stream is a terminal.
    pub is_terminal: bool,
    /// The width of the terminal in columns, if known.
    pub width: Option<u16>,
    /// `TERM`.
    pub term: Option<&'a str>,
    /// Whether `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
}

impl TermCaps {
    /// Returns the capabilities of a pipe or a file: none.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Returns the capabilities that follow from `env`. Colors and redrawn lines need a terminal
    /// whose `TERM` is neither `dumb` nor unknown; colors also need an unset `NO_COLOR`.
    pub fn new(env: TermEnv<'_>) -> Self {
        let is_dumb = matches!(env.term, None | Some("" | "dumb"));
        let redraws = env.is_terminal && !is_dumb;
        Self {
            is_terminal: env.is_terminal,
            color: if redraws && !env.no_color { Color::On } else { Color::Off },
            redraws,
            width: env.width.filter(|_| env.is_terminal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: TermEnv<'_> =
        TermEnv { is_terminal: true, width: Some(80), term: Some("xterm"), no_color: false };

    #[test]
    fn terminals_show_colors_unless_dumb_or_no_color_is_set() {
        assert_eq!(TermCaps::new(TERMINAL).color, Color::On);
        for term in [None, Some(""), Some("dumb")] {
            let dumb = TermCaps::new(TermEnv { term, ..TERMINAL });
            assert!(dumb.color == Color::Off && !dumb.redraws && dumb.is_terminal, "{term:?}");
        }
        let unwanted = TermCaps::new(TermEnv { no_color: true, ..TERMINAL });
        assert!(unwanted.color == Color::Off && unwanted.redraws);
    }

    #[test]
    fn a_pipe_is_plain() {
        assert_eq!(TermCaps::new(TermEnv { is_terminal: false, ..TERMINAL }), TermCaps::plain());
    }
}
