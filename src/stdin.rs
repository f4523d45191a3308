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
    Ok(Some(text))
}

fn is_file() -> bool {
    use rustix::fs::FileType;
    let stat = rustix::fs::fstat(io::stdin());
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// Reads a line.
pub(crate) fn read_line() -> Result<String, CommandError> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| CommandError::new(format!("can't read the standard input: {error}")))?;
    Ok(line)
}
