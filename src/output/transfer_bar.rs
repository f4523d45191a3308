//! The progress bar of a transfer, on stderr: stdout may be where the bytes go.

use std::io;
use std::time::Instant;

use super::progress::Progress;
use super::stdio::Stream;
use crate::event::Transfer;

/// Draws the transfer of a run, if stderr is a terminal that redraws lines.
#[derive(Debug, Default)]
pub(crate) struct TransferBar {
    bar: Option<Progress>,
}

impl TransferBar {
    /// Draws what has happened.
    ///
    /// # Errors
    /// stderr can't be written to.
    pub(crate) fn draw(&mut self, transfer: &Transfer, to: &mut Stream) -> io::Result<()> {
        if !to.caps().redraws {
            return Ok(());
        }
        let now = Instant::now();
        match transfer {
            Transfer::Started(label) => self.bar = Some(Progress::new(label, to.caps(), now)),
            Transfer::Moved { done, total } => {
                if let Some(bar) = &mut self.bar {
                    bar.update(*done, *total, to.width(), now, to)?;
                }
            }
            Transfer::Finished(total) => {
                if let Some(bar) = self.bar.take() {
                    bar.finish(*total, to.width(), now, to)?;
                }
            }
        }
        Ok(())
    }

    /// Leaves the bar of a transfer that has failed as it was last drawn.
    ///
    /// # Errors
    /// stderr can't be written to.
    pub(crate) fn abandon(&mut self, to: &mut Stream) -> io::Result<()> {
        self.bar.take().map_or(Ok(()), |bar| bar.abandon(to))
    }
}
