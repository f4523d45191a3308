//! Log output: unchanged in a pipe, filtered on a terminal.

use super::caps::TermCaps;
use super::log_head;
use super::sanitize::LogFilter;
use super::stdio::{OutputError, Stream};
use convox_wire::AppName;

/// Writes the bytes of a log to a stream.
pub(crate) struct LogWriter {
    filter: Option<LogFilter>,
    shown: Vec<u8>,
    in_line: bool,
}

impl LogWriter {
    /// Creates a writer for a stream with these capabilities. `raw` turns the filter off.
    pub(crate) fn new(caps: &TermCaps, raw: bool) -> Self {
        let filter = (caps.is_terminal && !raw).then(LogFilter::new);
        Self { filter, shown: Vec::new(), in_line: false }
    }

    /// Writes some bytes of an app's log and flushes the stream. On a terminal, the beginnings of
    /// lines are easier to read; see [`log_head`]. `app` is one of several: it comes before each
    /// line.
    pub(crate) fn write_app(
        &mut self,
        app: Option<&AppName>,
        bytes: &[u8],
        to: &mut Stream,
    ) -> Result<(), OutputError> {
        use std::io::Write;
        if self.filter.is_none() && app.is_none() {
            return self.write(bytes, to);
        }
        let color = to.caps().color;
        let app = app.map_or(String::new(), |app| {
            format!("{} ", log_head::paint_source(color, app.as_str()))
        });
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (mut head, mut length) = (String::new(), 0);
            if !self.in_line {
                let shown = self.filter.as_ref().and_then(|_| log_head::shown(line, color));
                (head, length) = shown.unwrap_or_default();
                head.insert_str(0, &app);
            }
            to.write_all(head.as_bytes())?;
            self.write(&line[length..], to)?;
        }
        Ok(())
    }

    /// Writes some bytes and flushes the stream.
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

    /// Ends a line that the log left open, so that our own output starts on a new one.
    pub(crate) fn end_line(&mut self, to: &mut Stream) -> Result<(), OutputError> {
        let is_open = std::mem::take(&mut self.in_line);
        if is_open { Ok(to.print("\n")?) } else { Ok(()) }
    }
}
