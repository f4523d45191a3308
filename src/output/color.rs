//! The colors of our own text, by role. They are the same as in other Convox clients.

use super::sanitize::sanitize;

/// The role of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The header of a table, or a name in an info block.
    Heading,
    /// A row of a table, or a value in an info block.
    Value,
    /// An id.
    Id,
    /// The text of a step that has begun.
    Start,
    /// The `OK` that ends a step.
    Ok,
    /// A failed step or status.
    Fail,
    /// The name of an app.
    App,
    /// The id of a build.
    Build,
    /// The id of a release.
    Release,
    /// The name of a rack.
    Rack,
    /// The name of a service.
    Service,
    /// The id of a process.
    Process,
    /// A command to type.
    Command,
    /// The word `ERROR`.
    ErrorLabel,
    /// The message after it.
    ErrorText,
}

impl Role {
    /// Returns the index of the color in the terminal's palette of 256 colors.
    fn number(self) -> u8 {
        match self {
            Self::Heading | Self::Command => 244,
            Self::Value => 251,
            Self::Id | Self::Start => 247,
            Self::Ok => 46,
            Self::Fail => 160,
            Self::App => 39,
            Self::Build => 23,
            Self::Release => 24,
            Self::Rack => 26,
            Self::Service => 33,
            Self::Process => 27,
            Self::ErrorLabel => 124,
            Self::ErrorText => 203,
        }
    }
}

/// Whether to print colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// Print colors.
    On,
    /// Print plain text.
    #[default]
    Off,
}

impl Color {
    /// Returns the sequence that turns the role's color on; empty if colors are off.
    pub fn start(self, role: Role) -> String {
        match self {
            Self::On => format!("\u{1b}[38;5;{}m", role.number()),
            Self::Off => String::new(),
        }
    }

    /// Returns the sequence that turns the color off; empty if colors are off.
    pub fn end(self) -> &'static str {
        match self {
            Self::On => "\u{1b}[0m",
            Self::Off => "",
        }
    }

    /// Returns `text` in its role's color. The text is not sanitized.
    pub fn paint(self, role: Role, text: &str) -> String {
        format!("{}{text}{}", self.start(role), self.end())
    }

    /// Returns the line `ERROR: message` without a line end. The message is sanitized.
    pub fn error_line(self, message: &str) -> String {
        let (label, text) = (self.start(Role::ErrorLabel), self.start(Role::ErrorText));
        format!("{label}ERROR: {text}{}{}", sanitize(message), self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_painted_as_by_other_clients() {
        assert_eq!(Color::On.paint(Role::Heading, "APP"), "\u{1b}[38;5;244mAPP\u{1b}[0m");
        assert_eq!(Color::Off.paint(Role::Heading, "APP"), "APP");
    }

    #[test]
    fn an_error_line_has_two_colors_and_a_sanitized_message() {
        let expected = "\u{1b}[38;5;124mERROR: \u{1b}[38;5;203mbad \\x1b[2J 100% %s\u{1b}[0m";
        assert_eq!(Color::On.error_line("bad \u{1b}[2J 100% %s"), expected);
        assert_eq!(Color::Off.error_line("a\nb"), "ERROR: a\\nb");
    }
}
