//! How results are presented: as a table, an info block or text; and as JSON.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::caps::TermCaps;
use super::info::InfoBlock;
use super::json;
use super::sanitize::sanitize;
use super::table::Table;
use super::text::TextBlock;
use crate::settings::Style;

/// What a value needs to render itself.
#[derive(Debug, Clone, Copy)]
pub struct RenderContext {
    /// The current time; other times are shown relative to it.
    pub now: DateTime<Utc>,
    /// The output style, which determines the columns of some tables.
    pub style: Style,
}

/// The form of a value for people.
#[derive(Debug, Clone)]
pub enum View {
    /// A table.
    Table(Table),
    /// Text with colors.
    Block(TextBlock),
    /// One view after the other.
    Sequence(Vec<View>),
    /// An info block.
    Info(InfoBlock),
    /// Our own text, without the final newline.
    Text(String),
    /// Lines from a rack, without the final newline. They are sanitized on terminals only.
    Data(String),
}

impl View {
    /// Writes the view.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn write(&self, caps: &TermCaps, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Table(table) => table.write(caps.color, out),
            Self::Block(text) => text.write(caps.color, out),
            Self::Sequence(views) => views.iter().try_for_each(|view| view.write(caps, out)),
            Self::Info(info) => info.write(caps.color, out),
            Self::Data(text) if caps.is_terminal => {
                text.split('\n').try_for_each(|line| writeln!(out, "{}", sanitize(line)))
            }
            Self::Text(text) | Self::Data(text) => writeln!(out, "{text}"),
        }
    }
}

/// A value that can be presented to people.
pub trait Render {
    /// Returns its form for people.
    fn render(&self, rc: &RenderContext) -> View;
}

/// A result for programs: one JSON document (`snake_case` keys, RFC 3339 times, `null` if absent).
pub trait Document {
    /// Writes the document on one line.
    ///
    /// # Errors
    /// The stream can't be written to.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;
}

impl<T: Serialize> Document for T {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(self, out)?;
        out.write_all(b"\n")
    }
}

/// A result for people and for programs.
pub trait Value: Render + Document {
    /// Returns its form for programs.
    fn as_document(&self) -> &dyn Document;
}

impl<T: Render + Serialize> Value for T {
    fn as_document(&self) -> &dyn Document {
        self
    }
}
