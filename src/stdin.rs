//! The standard input. It is read on request only: an inherited open pipe may never end.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::error::CommandError;

/// Reads the standard input for a command that takes arguments or lines: if an argument is `-`, if
/// there are no arguments and stdin is not a terminal, or if stdin is a regular file.
pub(crate) fn read_if_requested(arguments: &[String]) -> Result<Option<String>, CommandError> {
    let by_name = arguments.iter().any(|argument| argument == "-");
    let by_default = arguments.is_empty() && !io::stdin().is_terminal();
    if !by_name && !by_default && !is_file() {
        return Ok(None);
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| CommandError::new(format!("can't read the standard input: {error}")))?;
    Ok(Some(without_bom(text)))
}

/// Drops a byte order mark, with which editors on Windows start files.
fn without_bom(text: String) -> String {
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

fn is_file() -> bool {
    use rustix::fs::FileType;
    let stat = rustix::fs::fstat(io::stdin());
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// Reads a line. Dropping the future stops waiting for it.
pub(crate) async fn read_line() -> Result<String, CommandError> {
    let read = blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    read.await.map_err(|error| CommandError::new(format!("can't read the standard input: {error}")))
}

/// Runs a blocking read on a thread of its own. Unlike a thread of the runtime's pool, it does not
/// keep the program from exiting while it waits for input.
pub(crate) async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        // Without a receiver, nobody waits for the input any more.
        let _ = sender.send(read());
    })?;
    receiver.await.unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_dropped_only_at_the_start() {
        assert_eq!(without_bom("\u{feff}A=1\n".to_owned()), "A=1\n");
        assert_eq!(without_bom("A=\u{feff}1\n".to_owned()), "A=\u{feff}1\n");
    }
}
