//! Copies of a source directory, for processes to run in.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

/// Copies a directory recursively, with file modes, times and symlinks. Sockets, pipes and devices
/// are skipped. The owner can always enter and change the directories of the copy.
///
/// # Errors
/// Returns the system's error, with the path it concerns.
pub(crate) fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
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
        fs::copy(from, to).and_then(|_| keep_time(&about, to))
    } else {
        Ok(())
    };
    copied.map_err(|error| named(from, error))
}

/// Gives a copy the time of its original: build tools compare it with that of the sources.
fn keep_time(about: &Metadata, to: &Path) -> io::Result<()> {
    let time = Timespec { tv_sec: about.mtime(), tv_nsec: about.mtime_nsec() as _ };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, to, &times, AtFlags::empty())?)
}

/// Removes a directory recursively, even if a process has made parts of it inaccessible. Succeeds
/// if it doesn't exist.
pub(crate) fn remove_directory(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock_directories(directory);
            fs::remove_dir_all(directory)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes all directories accessible. Failures surface in the removal that follows.
fn unlock_directories(directory: &Path) {
    let _ = fs::set_permissions(directory, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(directory) else { return };
    let directories =
        entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.for_each(|entry| unlock_directories(&entry.path()));
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_contains_everything_but_sockets_and_can_be_removed() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("empty")).unwrap();
        fs::create_dir_all(from.join("closed/inner")).unwrap();
        fs::write(from.join("run.sh"), "x").unwrap();
        fs::set_permissions(from.join("run.sh"), fs::Permissions::from_mode(0o555)).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_500);
        fs::File::open(from.join("run.sh")).unwrap().set_modified(old).unwrap();
        symlink("run.sh", from.join("link")).unwrap();
        symlink("/nowhere", from.join("dangling")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();
        fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();

        copy_directory(&from, &to).unwrap();

        assert!(to.join("empty").is_dir() && to.join("closed/inner").is_dir());
        let copied = fs::metadata(to.join("run.sh")).unwrap();
        assert_eq!(copied.permissions().mode() & 0o777, 0o555);
        assert_eq!(copied.modified().unwrap(), old);
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("run.sh"));
        assert_eq!(fs::read_link(to.join("dangling")).unwrap(), Path::new("/nowhere"));
        assert!(!to.join("socket").exists());
        remove_directory(&from).unwrap();
        remove_directory(&to).unwrap();
        remove_directory(&to).unwrap();
        assert!(!from.exists() && !to.exists());
    }

    #[test]
    fn an_error_names_the_missing_source() {
        let root = tempfile::tempdir().unwrap();
        let error = copy_directory(&root.path().join("gone"), &root.path().join("to")).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
