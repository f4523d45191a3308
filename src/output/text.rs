//! Text of which some words have a color.

use std::io::{self, Write};

use super::color::{Color, Role};

/// Lines of our own text, or of sanitized text of a rack.
#[derive(Debug, Clone, Default)]
pub struct TextBlock {
    pieces: Vec<(Option<Role>, String)>,
}

impl TextBlock {
    /// Adds text without a color.
    pub fn plain(&mut self, text: &str) -> &mut Self {
        self.pieces.push((None, text.to_owned()));
        self
    }

    /// Adds text with the color of a role.
    pub fn painted(&mut self, role: Role, text: &str) -> &mut Self {
        self.pieces.push((Some(role), text.to_owned()));
        self
    }

    /// Ends the line.
    pub fn end_line(&mut self) -> &mut Self {
        self.plain("\n")
    }

    /// Writes the text.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn write(&self, color: Color, out: &mut impl Write) -> io::Result<()> {
        for (role, text) in &self.pieces {
            match role {
                Some(role) => out.write_all(color.paint(*role, text).as_bytes())?,
                None => out.write_all(text.as_bytes())?,
            }
        }
        Ok(())
    }
}
