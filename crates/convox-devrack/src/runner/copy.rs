//! A directory copied for a process to run in.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::Path;

/// Copies a directory: files with their modes, links as links, empty directories too. Sockets, pipes and
/// devices are left out. The owner may always enter and change the directories of the copy.
///
/// # Errors
/// The system's, with the path it concerns.
pub(super) fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(to).map_err(|error| named(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| named(from, error))? {
        let entry = entry.map_err(|error| named(from, error))?;
        copy_entry(&entry.path(), &to.join(entry.file_name()))?;
    }
    let mode = fs::metadata(from).map_err(|error| named(from, error))?.permissions().mode();
    let open = fs::Permissions::from_mode(mode & 0o777 | 0o700);
    fs::set_permissions(to, open).map_err(|error| named(to, error))
}

fn copy_entry(from: &Path, to: &Path) -> io::Result<()> {
    let about: Metadata = fs::symlink_metadata(from).map_err(|error| named(from, error))?;
    let kind = about.file_type();
    if kind.is_dir() {
        return copy_directory(from, to);
    }
    let copied = if kind.is_symlink() {
        fs::read_link(from).and_then(|target| symlink(target, to))
    } else if kind.is_file() {
        fs::copy(from, to).map(|_| ())
    } else {
        Ok(())
    };
    copied.map_err(|error| named(from, error))
}

/// Removes a directory, also one whose directories a process has closed to itself. One that is not there
/// is fine.
pub(crate) fn remove_directory(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_folders(directory);
            fs::remove_dir_all(directory)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// What cannot be opened shows itself in the removal that follows.
fn open_folders(directory: &Path) {
    let _ = fs::set_permissions(directory, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(directory) else { return };
    let directories =
        entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.for_each(|entry| open_folders(&entry.path()));
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_everything_but_sockets_and_can_be_removed() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("empty")).unwrap();
        fs::create_dir_all(from.join("closed/inner")).unwrap();
        fs::write(from.join("run.sh"), "x").unwrap();
        fs::set_permissions(from.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("run.sh", from.join("link")).unwrap();
        symlink("/nowhere", from.join("dangling")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();
        fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();

        copy_directory(&from, &to).unwrap();

        assert!(to.join("empty").is_dir() && to.join("closed/inner").is_dir());
        assert_eq!(fs::metadata(to.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("run.sh"));
        assert_eq!(fs::read_link(to.join("dangling")).unwrap(), Path::new("/nowhere"));
        assert!(!to.join("socket").exists());
        remove_directory(&from).unwrap();
        remove_directory(&to).unwrap();
        remove_directory(&to).unwrap();
        assert!(!from.exists() && !to.exists());
    }

    #[test]
    fn a_source_that_is_missing_is_named() {
        let root = tempfile::tempdir().unwrap();
        let error = copy_directory(&root.path().join("gone"), &root.path().join("to")).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
