//! The rack's Unix-domain socket: only processes of the same user can connect, so it needs no
//! password, and nothing can be listening there in the rack's place.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::removal;

const NAME: &str = "rack.sock";
/// What fits `sun_path` everywhere (104 bytes on macOS and the BSDs, with the final NUL).
const MAX_PATH: usize = 103;

/// Binds the socket in a data directory (mode 0600), replacing that of an earlier rack. The caller
/// holds the rack's lock.
pub(crate) fn bind(data: &Path) -> io::Result<UnixListener> {
    let path = path(data);
    removal::remove(&path)?;
    let listener = with_short_path(data, |short| UnixListener::bind(short))?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Removes the socket of a rack that stops.
pub(crate) fn remove(data: &Path) -> io::Result<()> {
    removal::remove(&path(data))
}

/// Connects to the rack of a data directory.
///
/// # Errors
/// Fails if nothing listens, or if the listener is another user's process.
pub(crate) async fn connect(data: &Path) -> io::Result<UnixStream> {
    let connected = with_short_path(data, |short| std::os::unix::net::UnixStream::connect(short))?;
    connected.set_nonblocking(true)?;
    let stream = UnixStream::from_std(connected)?;
    if !is_own(&stream) {
        return Err(io::Error::other("the socket is served by another user's process"));
    }
    Ok(stream)
}

/// Returns whether the process at the other end belongs to this user, or to root.
pub(crate) fn is_own(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Returns a path by which this process can connect to the socket: its own, or a short alias if
/// that exceeds the system's limit. A descriptor of the directory, which the alias needs, then stays
/// open for the rest of the process's life.
pub(crate) fn connectable(data: &Path) -> io::Result<PathBuf> {
    if let Some(path) = short_enough(data) {
        return Ok(path);
    }
    let dir = File::open(data)?;
    let alias = alias(data, &dir)?;
    let _kept = dir.into_raw_fd();
    Ok(alias)
}

fn short_enough(data: &Path) -> Option<PathBuf> {
    Some(path(data)).filter(|path| path.as_os_str().len() <= MAX_PATH)
}

/// Returns the socket's path by way of an open descriptor of its directory (Linux, proc(5)).
fn alias(data: &Path, dir: &File) -> io::Result<PathBuf> {
    let alias = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd()));
    if !alias.exists() {
        let path = path(data);
        let message =
            format!("{} is longer than the {MAX_PATH} bytes of a socket's path", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(alias.join(NAME))
}

fn path(data: &Path) -> PathBuf {
    data.join(NAME)
}

/// Calls `run` with the path of the socket, or with a short alias if it exceeds the system's limit.
fn with_short_path<T>(data: &Path, run: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if let Some(path) = short_enough(data) {
        return run(&path);
    }
    let dir = File::open(data)?;
    run(&alias(data, &dir)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[tokio::test]
    async fn a_socket_is_private_replaces_an_earlier_one_and_may_have_a_long_path() {
        let root = tempfile::tempdir().unwrap();
        for name in ["data".to_owned(), "d".repeat(200)] {
            let data = root.path().join(name);
            fs::create_dir(&data).unwrap();
            drop(bind(&data).unwrap());
            assert!(connect(&data).await.is_err(), "nothing listens");
            let listener = bind(&data).unwrap();
            assert_eq!(fs::metadata(path(&data)).unwrap().mode() & 0o777, 0o600);
            let (client, server) = tokio::join!(connect(&data), listener.accept());
            assert!(is_own(&client.unwrap()) && is_own(&server.unwrap().0));
            let path_for_others = connectable(&data).unwrap();
            assert!(path_for_others.as_os_str().len() <= MAX_PATH);
            UnixStream::connect(path_for_others).await.unwrap();
            remove(&data).unwrap();
            assert!(!path(&data).exists());
        }
    }
}
