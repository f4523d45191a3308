//! The terminal: its size, secret input, raw mode and Ctrl-C.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::termios::{
    self, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize,
    tcsetattr,
};

use secrecy::SecretString;

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters per line.
    pub columns: u16,
    /// The number of lines.
    pub rows: u16,
}

/// Returns the size of a terminal; `None` if `stream` is not one or its size is unknown.
pub fn size(stream: impl AsFd) -> Option<Size> {
    let size = tcgetwinsize(stream).ok()?;
    let size = Size { columns: size.ws_col, rows: size.ws_row };
    (size.columns > 0 && size.rows > 0).then_some(size)
}

/// Returns the width of a terminal in columns.
pub fn width(stream: impl AsFd) -> Option<u16> {
    size(stream).map(|size| size.columns)
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The input is not a terminal.
    #[error("the input is not a terminal")]
    NotATerminal,
    /// Ctrl-C was pressed.
    #[error("interrupted")]
    Interrupted,
    /// Ctrl-D was pressed, the terminal was closed, or it can't be read.
    #[error("no input: {0}")]
    Failed(#[from] io::Error),
}

/// The maximum length of a secret in bytes.
const MAX_SECRET: usize = 64 * 1024;
const CTRL_C: u8 = 3;

/// Reads a line from `terminal` without echoing it. The caller prints the prompt before and the
/// line end after. The terminal's modes are restored in every case: after Ctrl-C, and when the
/// future is dropped.
///
/// # Errors
/// `terminal` is not a terminal, Ctrl-C was pressed, or no line was entered.
pub async fn read_secret(terminal: impl AsFd) -> Result<SecretString, SecretError> {
    let terminal = terminal.as_fd();
    let mut modes = tcgetattr(terminal).map_err(|_| SecretError::NotATerminal)?;
    let _restore = RestoreModes { terminal: terminal.try_clone_to_owned()?, before: modes.clone() };
    modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
    modes.local_modes.insert(LocalModes::ICANON);
    // Without signals Ctrl-C is a character; this makes it end the line.
    modes.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
    tcsetattr(terminal, OptionalActions::Flush, &modes).map_err(io::Error::from)?;
    let input = File::from(terminal.try_clone_to_owned()?);
    let line = crate::input::blocking(move || Ok(read_line(input))).await??;
    let text = String::from_utf8(line).map_err(|_| invalid("not valid UTF-8"))?;
    Ok(SecretString::from(text))
}

/// Reads a line, without its end.
fn read_line(mut input: impl Read) -> Result<Vec<u8>, SecretError> {
    let (mut line, mut bytes) = (Vec::new(), [0; 1024]);
    while line.len() < MAX_SECRET {
        let count = match input.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        line.extend_from_slice(&bytes[..count]);
        match line.last() {
            Some(&CTRL_C) => return Err(SecretError::Interrupted),
            Some(b'\n' | b'\r') => {
                line.pop();
                return Ok(line);
            }
            _ if count == 0 => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
            _ => {}
        }
    }
    Err(invalid("too long").into())
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

/// Restores the modes of a terminal when dropped.
#[derive(Debug)]
struct RestoreModes {
    terminal: OwnedFd,
    before: Termios,
}

impl Drop for RestoreModes {
    fn drop(&mut self) {
        // This fails only if the terminal no longer exists.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Keeps a terminal in raw mode, in which each key is passed on unchanged, until dropped.
#[derive(Debug)]
pub struct RawMode {
    _restore: RestoreModes,
}

impl RawMode {
    /// Switches `terminal` to raw mode.
    ///
    /// # Errors
    /// `terminal` is not a terminal.
    pub fn enter(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        let restore = RestoreModes { terminal: terminal.try_clone_to_owned()?, before };
        tcsetattr(terminal, termios::OptionalActions::Now, &raw)?;
        Ok(Self { _restore: restore })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use rustix::pty;
    use secrecy::ExposeSecret;
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    /// Returns both ends of a pseudo-terminal: the user's and the program's.
    fn terminal() -> (File, File) {
        let flags = pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY;
        let user = pty::openpt(flags).unwrap();
        pty::grantpt(&user).unwrap();
        pty::unlockpt(&user).unwrap();
        let name = pty::ptsname(&user, Vec::new()).unwrap();
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed());
        let program = options.open(name.to_str().unwrap()).unwrap();
        (File::from(user), program)
    }

    fn modes(terminal: &File) -> LocalModes {
        tcgetattr(terminal).unwrap().local_modes
    }

    /// Calls `read_secret` and types `typed` once the echo is off.
    fn typed(typed: &[u8]) -> (Result<SecretString, SecretError>, Vec<u8>) {
        let (mut user, program) = terminal();
        let before = modes(&program);
        let reader = program.try_clone().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = std::thread::spawn(move || runtime.block_on(read_secret(&reader)));
        while modes(&program).contains(LocalModes::ECHO) {
            std::thread::yield_now();
        }
        user.write_all(typed).unwrap();
        let read = read.join().unwrap();
        assert_eq!(modes(&program), before, "restored");
        (&program).write_all(b"|").unwrap();
        let mut shown = [0; 64];
        let count = user.read(&mut shown).unwrap();
        (read, shown[..count].to_vec())
    }

    #[test]
    fn a_secret_is_read_without_echo() {
        let (secret, shown) = typed(b"hunterx\x7f2\n");
        assert_eq!(secret.unwrap().expose_secret(), "hunter2");
        assert_eq!(shown, b"|");
    }

    #[test]
    fn ctrl_c_ends_the_prompt_and_restores_the_terminal() {
        let (secret, _) = typed(b"hun\x03");
        assert!(matches!(secret, Err(SecretError::Interrupted)));
    }

    #[test]
    fn ctrl_d_is_an_error() {
        let (secret, _) = typed(b"\x04");
        assert!(matches!(secret, Err(SecretError::Failed(_))));
    }

    #[tokio::test]
    async fn a_prompt_that_is_given_up_restores_the_terminal() {
        let (_user, program) = terminal();
        let before = modes(&program);
        {
            let mut read = std::pin::pin!(read_secret(&program));
            assert!((&mut read).now_or_never().is_none() && modes(&program) != before);
        }
        assert_eq!(modes(&program), before);
    }

    #[test]
    fn a_file_is_not_a_terminal() {
        let file = tempfile::tempfile().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(read_secret(&file));
        assert!(matches!(read, Err(SecretError::NotATerminal)));
        assert!(RawMode::enter(file.as_fd()).is_err());
        assert_eq!(size(&file), None);
    }

    #[test]
    fn a_terminal_reports_its_size() {
        let (_user, program) = terminal();
        assert_eq!(size(&program), None, "not set yet");
        let size_now = termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        termios::tcsetwinsize(&program, size_now).unwrap();
        assert_eq!(size(&program), Some(Size { columns: 80, rows: 24 }));
        assert_eq!(width(&program), Some(80));
    }

    #[test]
    fn raw_mode_ends_when_its_guard_is_dropped() {
        let (_user, program) = terminal();
        let before = modes(&program);
        let raw = RawMode::enter(program.as_fd()).unwrap();
        assert!(!modes(&program).intersects(LocalModes::ICANON | LocalModes::ISIG));
        drop(raw);
        assert_eq!(modes(&program), before);
    }
}
