//! What a command's result looks like: as a table, an info block, or text; and as JSON.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::colour::Colour;
use super::info::Info;
use super::table::Table;
use crate::settings::Style;

/// What a value needs to know to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// The present moment: times are shown relative to it.
    pub now: DateTime<Utc>,
    /// The style; two values have columns of their own for each.
    pub style: Style,
}

/// A value as people see it.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A table.
    Table(Table),
    /// An info block.
    Info(Info),
    /// Lines as they are, without a last newline; what comes from racks is made harmless by the
    /// value, where it is not data that a script reads.
    Text(String),
}

impl Shown {
    /// Writes it.
    ///
    /// # Errors
    /// The stream cannot be written to.
    pub fn write(&self, colour: Colour, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Table(table) => table.write(colour, out),
            Self::Info(info) => info.write(colour, out),
            Self::Text(text) => writeln!(out, "{text}"),
        }
    }
}

/// Something that can be shown to people.
pub trait Show {
    /// Its form for people.
    fn show(&self, sight: &Sight) -> Shown;
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
        serde_json::to_writer(&mut *out, self).map_err(io::Error::from)?;
        out.write_all(b"\n")
    }
}

/// A command's result for people and for programs.
pub trait Value: Show + Document {
    /// Its form for programs.
    fn as_document(&self) -> &dyn Document;
}

impl<T: Show + Serialize> Value for T {
    fn as_document(&self) -> &dyn Document {
        self
    }
}
