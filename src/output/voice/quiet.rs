use super::super::stdio::OutputError;
use super::{Stream, Voice};
use crate::event::Event;

/// For `--json` with one document: the document alone is the output.
pub(crate) struct Quiet;

impl Voice for Quiet {
    fn say(&mut self, _event: &Event, _to: &mut Stream) -> Result<(), OutputError> {
        Ok(())
    }
}
