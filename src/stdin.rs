//! The standard input: read where it was asked for, never from an open pipe unasked.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::error::CommandError;

/// The text of the standard input, for a command that takes arguments or lines: read for an
/// argument `-`, if there are no arguments at all (and nobody types), or if it is a regular file.
pub(crate) fn asked_for(arguments: &[String]) -> Result<Option<String>, CommandError> {
    let named = arguments.iter().any(|argument| argument == "-");
    let instead = arguments.is_empty() && !io::stdin().is_terminal();
    if !named && !instead && !is_file() {
        return Ok(None);
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| CommandError::new(format!("the standard input can't be read: {error}")))?;
    Ok(Some(text))
}

fn is_file() -> bool {
    use rustix::fs::FileType;
    let stat = rustix::fs::fstat(io::stdin());
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// A line that somebody types.
pub(crate) fn line() -> Result<String, CommandError> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| CommandError::new(format!("the standard input can't be read: {error}")))?;
    Ok(line)
}
