//! Unix-domain sockets, which are trusted by their owner.

use std::path::PathBuf;

use super::{Cause, Client, Error, RequestLine};

/// A Unix-domain socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSocket {
    /// Its path.
    pub path: PathBuf,
    /// The id of the user whose process has to listen there, unless it is one of root.
    pub owner: u32,
}

impl LocalSocket {
    /// Returns whether another user has made what is at the path. A file that is not there belongs
    /// to nobody.
    #[cfg(unix)]
    fn is_foreign(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let made_by = std::fs::symlink_metadata(&self.path).map(|about| about.uid());
        made_by.is_ok_and(|user| user != self.owner && user != 0)
    }

    #[cfg(not(unix))]
    fn is_foreign(&self) -> bool {
        false
    }
}

impl Client {
    /// Fails if the process of another user would receive the request. Another process may have
    /// taken the place of a rack that has died, so this is checked at each request.
    pub(super) fn check_socket(&self, request: &RequestLine) -> Result<(), Error> {
        match &self.endpoint().socket {
            Some(socket) if socket.is_foreign() => Err(Error::Unreachable {
                request: request.clone(),
                address: self.endpoint().address(),
                cause: Cause::Other("the socket belongs to another user".to_owned()),
                sent: false,
                source: None,
            }),
            _ => Ok(()),
        }
    }
}
