//! Errors of the operating system, worded for people.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// An [`io::Error`] that can be cloned, and that is displayed without its number: `permission
/// denied` instead of `Permission denied (os error 13)`.
#[derive(Clone, Debug)]
pub struct SystemError(Arc<io::Error>);

impl SystemError {
    /// Returns the kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        self.0.kind()
    }

    /// Returns the system's error number, if it has one.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.raw_os_error()
    }
}

impl<E: Into<io::Error>> From<E> for SystemError {
    fn from(e: E) -> Self {
        Self(Arc::new(e.into()))
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match text.split_once(" (os error ") {
            Some((message, _)) => f.write_str(&message.to_lowercase()),
            None => f.write_str(&text),
        }
    }
}

impl Error for SystemError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
