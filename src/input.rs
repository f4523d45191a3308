//! The standard input of a run. It is read on request only: an inherited open pipe may never end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, IsTerminal, Read};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{FileType, fstat};

/// Where a run reads its input from.
#[derive(Debug)]
pub struct Input(Source);

#[derive(Debug)]
enum Source {
    /// The process's own stdin, or a file that stands for it.
    File(BufReader<File>),
    /// Text that a test gives.
    Memory(Cursor<Vec<u8>>),
}

impl Input {
    /// The process's stdin.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn process() -> io::Result<Self> {
        Ok(Self::file(File::from(io::stdin().as_fd().try_clone_to_owned()?)))
    }

    /// An open file or terminal.
    pub fn file(file: File) -> Self {
        Self(Source::File(BufReader::new(file)))
    }

    /// Bytes from memory, as a pipe would deliver them.
    pub fn memory(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Source::Memory(Cursor::new(bytes.into())))
    }

    /// Returns whether a person types.
    pub fn is_terminal(&self) -> bool {
        self.fd().is_some_and(|fd| fd.is_terminal())
    }

    /// The file behind it, for its terminal modes.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Source::File(file) => Some(file.get_ref().as_fd()),
            Source::Memory(_) => None,
        }
    }

    /// Reads everything for a command that takes arguments or lines: if an argument is `-`, if
    /// there are no arguments and the input is not a terminal, or if the input is a regular file.
    ///
    /// # Errors
    /// The input cannot be read, or is not UTF-8.
    pub fn read_if_requested(&mut self, arguments: &[String]) -> io::Result<Option<String>> {
        let by_name = arguments.iter().any(|argument| argument == "-");
        let by_default = arguments.is_empty() && !self.is_terminal();
        if !by_name && !by_default && !self.is_regular_file() {
            return Ok(None);
        }
        let mut text = String::new();
        self.reader().read_to_string(&mut text)?;
        // Editors on Windows start files with a byte order mark.
        Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }

    /// Reads everything.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads a line with its end; an empty text at the end of the input.
    ///
    /// # Errors
    /// The input cannot be read, or is not UTF-8.
    pub fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader().read_line(&mut line)?;
        Ok(line)
    }

    /// Takes the input for a session: what is read of it already, and the file with the rest.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn detach(&mut self) -> io::Result<(Vec<u8>, Option<File>)> {
        match std::mem::take(self).0 {
            Source::File(file) => {
                let read = file.buffer().to_vec();
                Ok((read, Some(file.into_inner())))
            }
            Source::Memory(mut bytes) => {
                let mut rest = Vec::new();
                bytes.read_to_end(&mut rest)?;
                Ok((rest, None))
            }
        }
    }

    fn reader(&mut self) -> &mut dyn BufRead {
        match &mut self.0 {
            Source::File(file) => file,
            Source::Memory(bytes) => bytes,
        }
    }

    fn is_regular_file(&self) -> bool {
        let stat = self.fd().and_then(|fd| fstat(fd).ok());
        stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    }
}

/// Runs a blocking read on a thread of its own. Unlike a thread of the runtime's pool, it does not
/// keep the program from exiting while it waits for input.
///
/// # Errors
/// Those of `read`, or the thread can't be started.
pub async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        // Without a receiver, the input is no longer needed.
        let _ = sender.send(read());
    })?;
    receiver.await.unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into()))
}

impl Default for Input {
    /// An input that has ended.
    fn default() -> Self {
        Self::memory(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    #[test]
    fn a_pipe_is_read_if_it_is_asked_for_and_a_file_always() {
        let arguments = ["A=1".to_owned()];
        let pipe = || Input::memory("B=2\n");
        assert_eq!(pipe().read_if_requested(&arguments).unwrap(), None);
        assert_eq!(pipe().read_if_requested(&[]).unwrap().as_deref(), Some("B=2\n"));
        assert_eq!(pipe().read_if_requested(&["-".to_owned()]).unwrap().as_deref(), Some("B=2\n"));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"C=3").unwrap();
        file.rewind().unwrap();
        let read = Input::file(file).read_if_requested(&arguments).unwrap();
        assert_eq!(read.as_deref(), Some("C=3"));
    }

    #[test]
    fn a_byte_order_mark_is_dropped_only_at_the_start() {
        for (input, expected) in [("\u{feff}A=1", "A=1"), ("A=\u{feff}1", "A=\u{feff}1")] {
            let read = Input::memory(input).read_if_requested(&[]).unwrap();
            assert_eq!(read.as_deref(), Some(expected));
        }
    }

    #[test]
    fn lines_are_read_one_by_one() {
        let mut input = Input::memory("yes\nno");
        let lines = [(); 3].map(|()| input.read_line().unwrap());
        assert_eq!(lines, ["yes\n", "no", ""]);
        assert!(!input.is_terminal());
    }
}
