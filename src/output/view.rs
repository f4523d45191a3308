//! What a command's result looks like: as a table, an info block, or text; and as JSON.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::caps::TermCaps;
use super::info::Info;
use super::json;
use super::sanitize::sanitize;
use super::table::Table;
use crate::settings::Style;

/// What a value needs to know to be shown.
#[derive(Debug, Clone, Copy)]
pub struct RenderContext {
    /// The present moment: times are shown relative to it.
    pub now: DateTime<Utc>,
    /// The style; two values have columns of their own for each.
    pub style: Style,
}

/// A value as people see it.
#[derive(Debug, Clone)]
pub enum View {
    /// A table.
    Table(Table),
    /// An info block.
    Info(Info),
    /// Text of our own, without the last line's end.
    Text(String),
    /// Lines from a rack, without the last one's end: a pipe gets them as they are.
    Data(String),
}

impl View {
    /// Writes it.
    ///
    /// # Errors
    /// The stream cannot be written to.
    pub fn write(&self, caps: &TermCaps, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Table(table) => table.write(caps.color, out),
            Self::Info(info) => info.write(caps.color, out),
            Self::Data(text) if caps.is_terminal => {
                text.split('\n').try_for_each(|line| writeln!(out, "{}", sanitize(line)))
            }
            Self::Text(text) | Self::Data(text) => writeln!(out, "{text}"),
        }
    }
}

/// Something that can be shown to people.
pub trait Render {
    /// Its form for people.
    fn render(&self, rc: &RenderContext) -> View;
}

/// A command's result for programs: one JSON document (snake_case, RFC 3339, absent is `null`).
pub trait Document {
    /// Writes it, on one line.
    ///
    /// # Errors
    /// The stream cannot be written to.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;
}

impl<T: Serialize> Document for T {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(self, out)?;
        out.write_all(b"\n")
    }
}

/// A command's result for people and for programs.
pub trait Value: Render + Document {
    /// Its form for programs.
    fn as_document(&self) -> &dyn Document;
}

impl<T: Render + Serialize> Value for T {
    fn as_document(&self) -> &dyn Document {
        self
    }
}
