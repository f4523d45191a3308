use super::super::stdio::OutputError;
use super::{Renderer, Stream};
use crate::event::Event;

/// For `--json` with one document: the document alone is the output.
pub(crate) struct Quiet;

impl Renderer for Quiet {
    fn render(&mut self, _event: &Event, _to: &mut Stream) -> Result<(), OutputError> {
        Ok(())
    }
}
