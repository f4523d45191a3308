use super::super::stdio::OutputError;
use super::{Renderer, Stream};
use crate::event::Event;

/// Draws nothing: with `--json`, the document is the only output.
pub(crate) struct Quiet;

impl Renderer for Quiet {
    fn render(&mut self, _event: &Event, _to: &mut Stream) -> Result<(), OutputError> {
        Ok(())
    }

    fn is_for_people(&self) -> bool {
        false
    }
}
