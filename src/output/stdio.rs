//! The standard streams of a run.
//!
//! stdout is buffered. It is flushed at the end of each step and before anything is written to
//! stderr, so that both appear in order on a terminal. Each line on stderr is a single write.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::caps::{TermCaps, TermEnv};
pub use super::stream::{Captured, OnBrokenPipe, OutputError, Stream};
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
                .with_terminal(stdout.as_fd())?
                .with_pipe(stdout.as_fd())?,
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

    /// Returns streams that nobody reads.
    pub fn discarded() -> Self {
        let nowhere = || Stream::direct(io::sink(), TermCaps::plain());
        Self { out: nowhere(), err: nowhere(), input: Input::default() }
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

#[cfg(test)]
mod tests {
    use super::super::stream::tests::closing_after;
    use super::*;

    #[test]
    fn stdout_is_buffered_and_stderr_is_not() {
        let (mut stdio, out, err) = Stdio::captured(TermCaps::plain());
        stdio.out.print("Starting build... ").unwrap();
        assert_eq!(out.text(), "");
        stdio.out.flush().unwrap();
        assert_eq!(out.text(), "Starting build... ");
        stdio.err.print("now").unwrap();
        assert_eq!(err.text(), "now");
    }

    #[test]
    fn stdout_is_flushed_before_a_line_on_stderr() {
        let (mut stdio, out, err) = Stdio::captured(TermCaps::plain());
        stdio.out.print("Promoting R1... ").unwrap();
        stdio.error_line("ERROR: rollback").unwrap();
        assert_eq!(
            (out.text().as_str(), err.text().as_str()),
            ("Promoting R1... ", "ERROR: rollback\n")
        );
    }

    #[test]
    fn transient_text_is_erased_by_whatever_follows() {
        let caps = TermCaps { is_terminal: true, redraws: true, ..TermCaps::plain() };
        let (mut stdio, out, err) = Stdio::captured(caps);
        stdio.out.print("Waiting... ").unwrap();
        stdio.out.show_transient("9s").unwrap();
        stdio.out.show_transient("10s").unwrap();
        assert_eq!(out.text(), "Waiting... 9s\u{1b}[2D\u{1b}[K10s");
        stdio.error_line("NOTICE: slow").unwrap();
        assert!(out.text().ends_with("10s\u{1b}[3D\u{1b}[K") && err.text().starts_with("NOTICE"));
        stdio.out.print("OK\n").unwrap();
        stdio.out.flush().unwrap();
        assert!(out.text().ends_with("10s\u{1b}[3D\u{1b}[KOK\n"));
    }

    #[test]
    fn stderr_is_written_even_if_stdout_is_closed() {
        let (mut stdio, _, err) = Stdio::captured(TermCaps::plain());
        stdio.out = closing_after(0).0;
        stdio.out.print("x").unwrap();
        assert!(matches!(stdio.error_line("said"), Err(OutputError::Closed)));
        assert_eq!(err.text(), "said\n");
    }
}
