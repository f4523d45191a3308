//! Files that appear under their names once all of their content is on the disk.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::fs::File;

use crate::error::CommandError;

/// How a file gets its content.
pub(super) enum Destination {
    /// A file beside it gets its name at the end.
    Renamed { unfinished: NamedTempFile, path: PathBuf },
    /// A device or a pipe is written to as it is.
    AsItIs,
}

/// The error for a path that can't be written.
pub(crate) fn unwritable(path: &Path, error: io::Error) -> CommandError {
    let directory = parent(path).display();
    let hint = match error.kind() {
        io::ErrorKind::IsADirectory => format!("name a file in {}", path.display()),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            format!("create the directory {directory}, or choose another one")
        }
        _ => format!("check the free space and the permissions of {directory}"),
    };
    CommandError::while_doing(format!("can't write {}", path.display()), plain(error)).hint(hint)
}

/// The error for a path that can't be read.
pub(crate) fn unreadable(path: &Path, error: io::Error) -> CommandError {
    CommandError::while_doing(format!("can't read {}", path.display()), error)
        .hint("check the path")
}

/// The system's error, without the name of a temporary file.
fn plain(error: io::Error) -> io::Error {
    let is_of_system = error.get_ref().is_none() || error.kind() == io::ErrorKind::Other;
    if is_of_system { error } else { error.kind().into() }
}

/// The directory of a path.
pub(super) fn parent(path: &Path) -> &Path {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

impl Destination {
    /// Opens the file for `path`.
    ///
    /// # Errors
    /// It can't be created, or is a directory.
    pub(super) fn open(path: &Path) -> io::Result<(File, Self)> {
        // The file that a link leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&path) {
            Ok(about) if about.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(about) if !about.is_file() => {
                let file = OpenOptions::new().write(true).open(&path)?;
                return Ok((File::from_std(file), Self::AsItIs));
            }
            _ => {}
        }
        let unfinished = tempfile::Builder::new()
            .prefix(".convox-")
            .suffix(".part")
            // What is exported may hold secrets.
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(parent(&path))?;
        let file = File::from_std(unfinished.as_file().try_clone()?);
        Ok((file, Self::Renamed { unfinished, path }))
    }

    /// Writes everything to the disk, then gives the file its name.
    pub(super) async fn complete(self, file: File) -> io::Result<()> {
        let Self::Renamed { unfinished, path } = self else { return Ok(()) };
        file.sync_all().await?;
        let renamed = tokio::task::spawn_blocking(move || {
            unfinished.persist(&path).map_err(|error| error.error)?;
            fs::File::open(parent(&path))?.sync_all()
        });
        renamed.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn write(path: &Path, text: &str, complete: bool) -> io::Result<()> {
        let (mut file, destination) = Destination::open(path)?;
        file.write_all(text.as_bytes()).await?;
        file.flush().await?;
        if complete { destination.complete(file).await } else { Ok(()) }
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_file_appears_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("dump");
        write(&path, "half", false).await.unwrap();
        assert!(names(root.path()).is_empty());
        write(&path, "whole", true).await.unwrap();
        write(&path, "half of the next", false).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(root.path()), ["dump"]);
    }

    #[tokio::test]
    async fn a_link_stays_a_link_and_a_device_a_device() {
        let root = tempfile::tempdir().unwrap();
        let (path, link) = (root.path().join("dump"), root.path().join("link"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("dump", &link).unwrap();
        write(&link, "new", true).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write(Path::new("/dev/null"), "gone", true).await.unwrap();
        assert!(write(root.path(), "x", true).await.is_err());
        assert!(write(&root.path().join("none/dump"), "x", true).await.is_err());
    }
}
