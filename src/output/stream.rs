//! An output stream: buffering, failures, and transient text on terminals.

use std::io::{self, ErrorKind, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::caps::TermCaps;
use crate::terminal;

/// Why a stream can't be written to.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The reader closed the pipe, as `head` does.
    #[error("the output was closed")]
    Closed,
    /// Any other failure, such as a full disk.
    #[error("can't write the output: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// What to do once a stream can't be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBrokenPipe {
    /// Fail: right for a command that only reads.
    #[default]
    Fail,
    /// Discard further output: right for a command that must complete its work. Unless the reader
    /// closed the pipe, the reason is kept for [`Stream::take_lost`].
    Discard,
}

/// An output stream and its capabilities.
pub struct Stream {
    writer: Box<dyn Write + Send>,
    buffer: Vec<u8>,
    capacity: usize,
    caps: TermCaps,
    /// The terminal, whose width may change.
    terminal: Option<OwnedFd>,
    /// The pipe or socket, whose reader may go away.
    pipe: Option<OwnedFd>,
    on_broken_pipe: OnBrokenPipe,
    is_closed: bool,
    /// Why output was lost, unless the reader closed the pipe.
    lost: Option<io::Error>,
    /// The number of columns of the transient text at the end of the line.
    transient: usize,
}

/// The size of the buffer in bytes.
const BUFFER: usize = 64 * 1024;

impl Stream {
    /// Creates a stream with a buffer.
    pub fn buffered(writer: impl Write + Send + 'static, caps: TermCaps) -> Self {
        Self::new(Box::new(writer), caps, BUFFER)
    }

    /// Creates a stream without a buffer.
    pub fn direct(writer: impl Write + Send + 'static, caps: TermCaps) -> Self {
        Self::new(Box::new(writer), caps, 0)
    }

    fn new(writer: Box<dyn Write + Send>, caps: TermCaps, capacity: usize) -> Self {
        Self {
            writer,
            buffer: Vec::new(),
            capacity,
            caps,
            terminal: None,
            pipe: None,
            on_broken_pipe: OnBrokenPipe::default(),
            is_closed: false,
            lost: None,
            transient: 0,
        }
    }

    /// Sets the terminal behind the stream.
    pub(super) fn with_terminal(mut self, terminal: BorrowedFd<'_>) -> io::Result<Self> {
        if self.caps.is_terminal {
            self.terminal = Some(terminal.try_clone_to_owned()?);
        }
        Ok(self)
    }

    /// Sets the file behind the stream, so that [`Stream::has_lost_reader`] can tell whether
    /// somebody reads it.
    pub(super) fn with_pipe(mut self, file: BorrowedFd<'_>) -> io::Result<Self> {
        if !self.caps.is_terminal {
            self.pipe = Some(file.try_clone_to_owned()?);
        }
        Ok(self)
    }

    /// Returns whether the other end of a pipe or socket is closed: nobody will read what is
    /// written. Known without writing anything.
    pub fn has_lost_reader(&self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut pipes = [PollFd::new(pipe, PollFlags::empty())];
        // A failed poll tells nothing; the next write does.
        let polled = poll(&mut pipes, Some(&Timespec::default())).is_ok();
        polled && pipes[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
    }

    /// Returns the current width of the terminal in columns, if known.
    pub fn width(&self) -> Option<u16> {
        match &self.terminal {
            Some(terminal) => terminal::width(terminal),
            None => self.caps.width,
        }
    }

    /// Returns why output was lost although writing did not fail. A closed pipe is not a loss.
    pub fn take_lost(&mut self) -> Option<OutputError> {
        self.lost.take().map(OutputError::Failed)
    }

    /// Shows a short text at the end of an open line, until anything else is written. Does nothing
    /// on streams that can't redraw.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn show_transient(&mut self, text: &str) -> Result<(), OutputError> {
        if self.caps.redraws {
            self.print(text)?; // erases the previous one
            self.transient = text.chars().count();
            self.flush()?;
        }
        Ok(())
    }

    /// The sequence that erases the transient text.
    pub(super) fn erase_transient(&mut self) -> String {
        match std::mem::take(&mut self.transient) {
            0 => String::new(),
            columns => format!("\u{1b}[{columns}D\u{1b}[K"),
        }
    }

    /// Returns the capabilities of the stream.
    pub fn caps(&self) -> &TermCaps {
        &self.caps
    }

    /// Sets what to do once the stream can't be written to.
    pub fn set_on_broken_pipe(&mut self, on_broken_pipe: OnBrokenPipe) {
        self.on_broken_pipe = on_broken_pipe;
    }

    /// Writes text.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn print(&mut self, text: &str) -> Result<(), OutputError> {
        Ok(self.write_all(text.as_bytes())?)
    }

    /// Writes to the underlying stream, subject to [`OnBrokenPipe`].
    fn pass(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        if !self.is_closed {
            match write(&mut *self.writer) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.is_closed = true,
                Err(error) if self.on_broken_pipe == OnBrokenPipe::Discard => {
                    self.is_closed = true;
                    self.lost = Some(error);
                }
                written => return written,
            }
        }
        match self.on_broken_pipe {
            OnBrokenPipe::Fail => Err(ErrorKind::BrokenPipe.into()),
            OnBrokenPipe::Discard => Ok(()),
        }
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.buffer);
        let written = self.pass(|writer| writer.write_all(&bytes));
        bytes.clear();
        self.buffer = bytes; // keeps the allocation
        written
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.transient > 0 {
            let erase = self.erase_transient();
            self.write_all(erase.as_bytes())?;
        }
        if self.buffer.len() + bytes.len() > self.capacity {
            self.write_buffer()?;
        }
        if bytes.len() >= self.capacity {
            self.pass(|writer| writer.write_all(bytes))?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_buffer()?;
        self.pass(|writer| writer.flush())
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("caps", &self.caps).finish_non_exhaustive()
    }
}

/// Output in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Returns the bytes written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the output as text; invalid UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
