//! The terminal: its size, secrets typed without an echo, raw mode, Ctrl-C.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::termios::{
    self, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize,
    tcsetattr,
};

use convox_client::secret::Secret;

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// The size of the terminal behind `stream`; `None` where it is none, or does not know.
pub fn size(stream: impl AsFd) -> Option<Size> {
    let size = tcgetwinsize(stream).ok()?;
    let size = Size { columns: size.ws_col, rows: size.ws_row };
    (size.columns > 0 && size.rows > 0).then_some(size)
}

/// The columns alone.
pub fn width(stream: impl AsFd) -> Option<u16> {
    size(stream).map(|size| size.columns)
}

/// Why no secret was typed.
#[derive(Debug, thiserror::Error)]
pub enum NoSecret {
    /// Nobody can be asked.
    #[error("the input is not a terminal")]
    NotATerminal,
    /// Ctrl-C was typed.
    #[error("interrupted")]
    Interrupted,
    /// Ctrl-D was typed, the terminal has gone, or it cannot be read.
    #[error("nothing was typed: {0}")]
    Failed(#[from] io::Error),
}

/// More than any secret that a person types or pastes.
const LONGEST_SECRET: usize = 64 * 1024;
const CTRL_C: u8 = 3;

/// Reads a line from `terminal` without showing it. The caller prints the question before, and
/// the line end after. The terminal is as before on every way out, Ctrl-C included.
///
/// # Errors
/// `terminal` is none, Ctrl-C was typed, or nothing was.
pub fn read_secret(terminal: impl AsFd) -> Result<Secret, NoSecret> {
    let terminal = terminal.as_fd();
    let mut modes = tcgetattr(terminal).map_err(|_| NoSecret::NotATerminal)?;
    let _restored = Restored { terminal: terminal.try_clone_to_owned()?, before: modes.clone() };
    modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
    modes.local_modes.insert(LocalModes::ICANON);
    // without signals Ctrl-C is a character, and this makes it end the line
    modes.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
    tcsetattr(terminal, OptionalActions::Flush, &modes).map_err(io::Error::from)?;
    let line = read_line(File::from(terminal.try_clone_to_owned()?))?;
    let text = String::from_utf8(line).map_err(|_| invalid("not a text in UTF-8"))?;
    Ok(Secret::from(text))
}

/// A line without its end.
fn read_line(mut input: impl Read) -> Result<Vec<u8>, NoSecret> {
    let (mut line, mut bytes) = (Vec::new(), [0; 1024]);
    while line.len() < LONGEST_SECRET {
        let count = match input.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        line.extend_from_slice(&bytes[..count]);
        match line.last() {
            Some(&CTRL_C) => return Err(NoSecret::Interrupted),
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

/// Gives a terminal its modes back when dropped.
#[derive(Debug)]
struct Restored {
    terminal: OwnedFd,
    before: Termios,
}

impl Drop for Restored {
    fn drop(&mut self) {
        // a terminal that has gone needs nothing back
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Raw mode: each key goes through at once and unchanged, until this is dropped.
#[derive(Debug)]
pub struct RawMode {
    _restored: Restored,
}

impl RawMode {
    /// Puts `terminal` into raw mode.
    ///
    /// # Errors
    /// It is no terminal.
    pub fn enter(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        let restored = Restored { terminal: terminal.try_clone_to_owned()?, before };
        tcsetattr(terminal, termios::OptionalActions::Now, &raw)?;
        Ok(Self { _restored: restored })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convox_client::secret::ExposeSecret;
    use rustix::pty;
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    /// Both ends of a terminal: where a person types, and where a program reads.
    fn terminal() -> (File, File) {
        let flags = pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY;
        let person = pty::openpt(flags).unwrap();
        pty::grantpt(&person).unwrap();
        pty::unlockpt(&person).unwrap();
        let name = pty::ptsname(&person, Vec::new()).unwrap();
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed());
        let program = options.open(name.to_str().unwrap()).unwrap();
        (File::from(person), program)
    }

    fn modes(terminal: &File) -> LocalModes {
        tcgetattr(terminal).unwrap().local_modes
    }

    /// What `read_secret` makes of `typed`, typed once the echo is off.
    fn typed(typed: &[u8]) -> (Result<Secret, NoSecret>, Vec<u8>) {
        let (mut person, program) = terminal();
        let before = modes(&program);
        let reader = program.try_clone().unwrap();
        let read = std::thread::spawn(move || read_secret(&reader));
        while modes(&program).contains(LocalModes::ECHO) {
            std::thread::yield_now();
        }
        person.write_all(typed).unwrap();
        let read = read.join().unwrap();
        assert_eq!(modes(&program), before, "restored");
        (&program).write_all(b"|").unwrap();
        let mut shown = [0; 64];
        let count = person.read(&mut shown).unwrap();
        (read, shown[..count].to_vec())
    }

    #[test]
    fn a_secret_is_read_without_being_shown() {
        let (secret, shown) = typed(b"hunterx\x7f2\n");
        assert_eq!(secret.unwrap().expose_secret(), "hunter2");
        assert_eq!(shown, b"|");
    }

    #[test]
    fn ctrl_c_ends_the_question_and_gives_the_terminal_back() {
        let (secret, _) = typed(b"hun\x03");
        assert!(matches!(secret, Err(NoSecret::Interrupted)));
    }

    #[test]
    fn ctrl_d_is_no_secret() {
        let (secret, _) = typed(b"\x04");
        assert!(matches!(secret, Err(NoSecret::Failed(_))));
    }

    #[test]
    fn a_file_is_no_terminal() {
        let file = tempfile::tempfile().unwrap();
        assert!(matches!(read_secret(&file), Err(NoSecret::NotATerminal)));
        assert!(RawMode::enter(file.as_fd()).is_err());
        assert_eq!(size(&file), None);
    }

    #[test]
    fn a_terminal_knows_its_size() {
        let (_person, program) = terminal();
        assert_eq!(size(&program), None, "a new one has none");
        let size_now = termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        termios::tcsetwinsize(&program, size_now).unwrap();
        assert_eq!(size(&program), Some(Size { columns: 80, rows: 24 }));
        assert_eq!(width(&program), Some(80));
    }

    #[test]
    fn raw_mode_ends_with_its_guard() {
        let (_person, program) = terminal();
        let before = modes(&program);
        let raw = RawMode::enter(program.as_fd()).unwrap();
        assert!(!modes(&program).intersects(LocalModes::ICANON | LocalModes::ISIG));
        drop(raw);
        assert_eq!(modes(&program), before);
    }
}
