//! The standard streams of a run.
//!
//! stdout is buffered. It is flushed at the end of each step and before anything is written to
//! stderr, so that both appear in order on a terminal. Each line on stderr is a single write.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use super::caps::{TermCaps, TermEnv};
use crate::input::Input;
use crate::terminal;

/// The standard streams.
#[derive(Debug)]
pub struct Stdio {
    /// For the requested output.
    pub out: Stream,
    /// For errors, warnings and notices.
    pub err: Stream,
    /// What the run reads.
    pub input: Input,
}

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
    on_broken_pipe: OnBrokenPipe,
    is_closed: bool,
    /// Why output was lost, unless the reader closed the pipe.
    lost: Option<io::Error>,
    /// The number of columns of the transient text at the end of the line.
    transient: usize,
}

/// The size of the buffer in bytes.
const BUFFER: usize = 64 * 1024;

impl Stdio {
    /// Returns the process's own streams. `term` and `no_color` come from `TERM` and `NO_COLOR`.
    ///
    /// # Errors
    /// The file descriptors can't be duplicated.
    pub fn system(term: Option<&str>, no_color: bool) -> io::Result<Self> {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let caps = |stream: BorrowedFd<'_>| {
            let is_terminal = stream.is_terminal();
            let width = if is_terminal { terminal::width(stream) } else { None };
            TermCaps::new(TermEnv { is_terminal, width, term, no_color })
        };
        Ok(Self {
            // The descriptor is duplicated since std's stdout scans everything for line ends.
            out: Stream::buffered(file(stdout.as_fd())?, caps(stdout.as_fd()))
                .with_terminal(stdout.as_fd())?,
            err: Stream::direct(file(stderr.as_fd())?, caps(stderr.as_fd()))
                .with_terminal(stderr.as_fd())?,
            input: Input::process()?,
        })
    }

    /// Returns streams that write to memory, for tests.
    pub fn captured(caps: TermCaps) -> (Self, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let stdio = Self {
            out: Stream::buffered(out.clone(), caps),
            err: Stream::direct(err.clone(), caps),
            input: Input::default(),
        };
        (stdio, out, err)
    }

    /// Flushes stdout, without transient text.
    fn end_transient(&mut self) -> io::Result<()> {
        let erase = self.out.erase_transient();
        self.out.write_all(erase.as_bytes())?;
        self.out.flush()
    }

    /// Writes a whole line to stderr, after flushing stdout.
    ///
    /// # Errors
    /// Either stream can't be written to.
    pub fn error_line(&mut self, line: &str) -> Result<(), OutputError> {
        let flushed = self.end_transient();
        let mut whole = String::with_capacity(line.len() + 1);
        whole.push_str(line);
        whole.push('\n');
        self.err.print(&whole)?; // even if stdout failed
        Ok(flushed?)
    }

    /// Writes `ERROR: ` and these words to stderr, on one line, in color where it shows colors.
    ///
    /// # Errors
    /// As [`Self::error_line`].
    pub fn error(&mut self, words: &str) -> Result<(), OutputError> {
        let line = self.err.caps().color.error_line(words);
        self.error_line(&line)
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// A stream cannot be written to.
    pub fn flush(&mut self) -> Result<(), OutputError> {
        self.out.flush()?;
        Ok(self.err.flush()?)
    }
}

fn file(stream: BorrowedFd<'_>) -> io::Result<File> {
    Ok(File::from(stream.try_clone_to_owned()?))
}

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
            on_broken_pipe: OnBrokenPipe::default(),
            is_closed: false,
            lost: None,
            transient: 0,
        }
    }

    /// Sets the terminal behind the stream.
    fn with_terminal(mut self, terminal: BorrowedFd<'_>) -> io::Result<Self> {
        if self.caps.is_terminal {
            self.terminal = Some(terminal.try_clone_to_owned()?);
        }
        Ok(self)
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
    fn erase_transient(&mut self) -> String {
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
mod tests;
