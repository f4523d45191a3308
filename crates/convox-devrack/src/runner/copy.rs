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
    // A list instead of recursion: apps may nest directories to any depth.
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = pending.pop() {
        create_copy(&from, &to)?;
        for entry in fs::read_dir(&from).map_err(|error| named(&from, error))? {
            let entry = entry.map_err(|error| named(&from, error))?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type().map_err(|error| named(&from, error))?.is_dir() {
                pending.push((from, to));
            } else {
                copy_entry(&from, &to).map_err(|error| named(&from, error))?;
            }
        }
    }
    Ok(())
}

/// Creates a directory with the mode of another, to which the owner's permissions are added.
fn create_copy(from: &Path, to: &Path) -> io::Result<()> {
    let mode = fs::metadata(from).map_err(|error| named(from, error))?.permissions().mode();
    let open = fs::Permissions::from_mode(mode & 0o777 | 0o700);
    let created = fs::DirBuilder::new().mode(0o700).create(to);
    created.and_then(|()| fs::set_permissions(to, open)).map_err(|error| named(to, error))
}

/// Copies a file or a symlink.
fn copy_entry(from: &Path, to: &Path) -> io::Result<()> {
    let about: Metadata = fs::symlink_metadata(from)?;
    if about.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    if about.is_file() {
        fs::copy(from, to)?;
        keep_time(&about, to)?;
    }
    Ok(())
}

/// Gives a copy the time of its original: build tools compare it with that of the sources.
fn keep_time(about: &Metadata, to: &Path) -> io::Result<()> {
    let time = Timespec { tv_sec: about.mtime(), tv_nsec: about.mtime_nsec() as _ };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, to, &times, AtFlags::empty())?)
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_contains_everything_but_sockets() {
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
    }

    #[test]
    fn directories_are_copied_to_any_depth_that_a_path_can_have() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        let mut depth = 0;
        let mut deepest = from.clone();
        while deepest.as_os_str().len() < 4000 {
            deepest.push("d");
            depth += 1;
        }
        fs::create_dir_all(&deepest).unwrap();
        copy_directory(&from, &to).unwrap();
        assert!((0..depth).fold(to, |path, _| path.join("d")).is_dir());
        crate::removal::remove(&from).unwrap();
    }

    #[test]
    fn an_error_names_the_missing_source() {
        let root = tempfile::tempdir().unwrap();
        let error = copy_directory(&root.path().join("gone"), &root.path().join("to")).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
