//! The parameters of an app or of a rack, by name.

use std::collections::BTreeMap;

use serde::Serialize;

use super::info::InfoBlock;
use super::{Render, RenderContext, View};

/// Parameters with their values.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Parameters(pub(crate) BTreeMap<String, String>);

impl Render for Parameters {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        for (name, value) in &self.0 {
            info.entry(name.as_str(), value);
        }
        View::Info(info)
    }
}
