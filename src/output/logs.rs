//! Log bytes on their way out: unchanged into a pipe, sanitize on a terminal.

use super::caps::TermCaps;
use super::sanitize::LogFilter;
use super::stdio::{OutputError, Stream};

/// Writes the bytes of a log.
pub(crate) struct LogWriter {
    filter: Option<LogFilter>,
    shown: Vec<u8>,
    in_line: bool,
}

impl LogWriter {
    /// For a stream of this caps. `raw` passes everything through on terminals too.
    pub(crate) fn new(caps: &TermCaps, raw: bool) -> Self {
        let filter = (caps.is_terminal && !raw).then(LogFilter::new);
        Self { filter, shown: Vec::new(), in_line: false }
    }

    /// Writes some, at once.
    pub(crate) fn write(&mut self, bytes: &[u8], to: &mut Stream) -> Result<(), OutputError> {
        use std::io::Write;
        let Some(last) = bytes.last() else { return Ok(()) };
        self.in_line = *last != b'\n';
        match &mut self.filter {
            None => to.write_all(bytes)?,
            Some(filter) => {
                self.shown.clear();
                filter.feed(bytes, &mut self.shown);
                to.write_all(&self.shown)?;
            }
        }
        Ok(to.flush()?)
    }

    /// On a terminal, ends a line that the log left open: what follows is ours.
    pub(crate) fn end_line(&mut self, to: &mut Stream) -> Result<(), OutputError> {
        let open = std::mem::take(&mut self.in_line);
        if open { Ok(to.print("\n")?) } else { Ok(()) }
    }
}
