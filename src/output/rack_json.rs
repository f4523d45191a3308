//! Objects that are shown as the rack describes them, in JSON.

use std::io;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Render, RenderContext, View, json};

/// An object of a rack: people see the rack's own JSON over several lines, `--json` has this
/// program's spellings.
pub(crate) struct RackJson {
    shown: String,
    document: Value,
}

impl RackJson {
    /// # Errors
    /// The object can't be written as JSON.
    pub(crate) fn new(object: &impl Serialize) -> io::Result<Self> {
        Ok(Self { shown: json::pretty(object)?, document: json::in_snake_case(object)? })
    }

    /// Adds text above the JSON for people.
    pub(crate) fn below(mut self, text: &str) -> Self {
        self.shown = format!("{text}{}", self.shown);
        self
    }

    /// Replaces what people see, without the final newline.
    pub(crate) fn shown_as(self, shown: String) -> Self {
        Self { shown, ..self }
    }
}

impl Serialize for RackJson {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(out)
    }
}

impl Render for RackJson {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Text(self.shown.clone())
    }
}
