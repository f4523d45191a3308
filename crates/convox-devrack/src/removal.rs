//! Removal of files and directory trees, which apps may have nested to any depth: without recursion,
//! and with two open files at most.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

const OPEN: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How often a directory is emptied into which something is written meanwhile.
const ATTEMPTS: u32 = 8;

/// Removes a file or a directory tree, even if a process has made parts of it inaccessible. Succeeds
/// if it is absent.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => remove_tree(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_tree(path: &Path) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        empty(path)?;
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            removed => return removed,
        }
    }
    fs::remove_dir(path)
}

/// A directory on the way from the root of a tree to the one that is being emptied.
struct Level {
    /// The directories in it that are left.
    rest: Vec<CString>,
    /// What the directory is, by which it is recognized on the way back.
    about: Stat,
}

/// Removes what is in a directory. Only the directory that is being emptied is open; the way back is
/// by `..`, since a path may be longer than the system takes.
fn empty(path: &Path) -> io::Result<()> {
    let mut current = match rustix::fs::open(path, OPEN, Mode::empty()) {
        Err(Errno::ACCESS) => {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
            rustix::fs::open(path, OPEN, Mode::empty())?
        }
        opened => opened?,
    };
    let mut levels = vec![clear(&current)?];
    // The names of the levels below the root.
    let mut names: Vec<CString> = Vec::new();
    while let Some(level) = levels.last_mut() {
        if let Some(name) = level.rest.pop() {
            let Some(below) = enter(&current, &name)? else { continue };
            current = below;
            levels.push(clear(&current)?);
            names.push(name);
            continue;
        }
        levels.pop();
        let (Some(name), Some(above)) = (names.pop(), levels.last()) else { return Ok(()) };
        current = rustix::fs::openat(&current, c"..", OPEN, Mode::empty())?;
        if !is_same(&rustix::fs::fstat(&current)?, &above.about) {
            return Err(io::Error::other("a directory was moved while it was being removed"));
        }
        match rustix::fs::unlinkat(&current, &name, AtFlags::REMOVEDIR) {
            // What was added to it meanwhile is found when the tree is emptied again.
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Opens a directory in another; `None` if it is gone, or a directory no more.
fn enter(parent: &OwnedFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
    let open = || rustix::fs::openat(parent, name, OPEN, Mode::empty());
    let opened = match open() {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty())?;
            open()
        }
        opened => opened,
    };
    match opened {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        opened => Ok(Some(opened?)),
    }
}

/// Removes the files of a directory.
fn clear(directory: &OwnedFd) -> io::Result<Level> {
    let about = rustix::fs::fstat(directory)?;
    if Mode::from_raw_mode(about.st_mode) & Mode::RWXU != Mode::RWXU {
        rustix::fs::fchmod(directory, Mode::RWXU)?;
    }
    let mut rest = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            rest.push(name.to_owned());
            continue;
        }
        match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            // The file system does not tell types.
            Err(Errno::ISDIR | Errno::PERM) if is_directory(directory, name)? => {
                rest.push(name.to_owned());
            }
            Err(error) => return Err(named(name, error)),
        }
    }
    Ok(Level { rest, about })
}

fn is_directory(parent: impl AsFd, name: &CStr) -> io::Result<bool> {
    let about = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(about.st_mode) == FileType::Directory)
}

fn named(name: &CStr, error: Errno) -> io::Error {
    let error = io::Error::from(error);
    let name = OsStr::from_bytes(name.to_bytes()).display();
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Nests directories without long paths.
    fn nest(root: &Path, depth: usize) {
        let mut current = rustix::fs::open(root, OPEN, Mode::empty()).unwrap();
        for _ in 0..depth {
            rustix::fs::mkdirat(&current, c"d", Mode::RWXU).unwrap();
            current = rustix::fs::openat(&current, c"d", OPEN, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn a_tree_of_any_depth_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let tree = root.path().join("tree");
        for name in ["", "wide", "wide/one", "wide/two"] {
            fs::create_dir(tree.join(name)).unwrap();
            fs::write(tree.join(name).join("file"), "x").unwrap();
        }
        nest(&tree, 30_000);
        nest(&tree.join("wide"), 30_000);
        // A thread of the rack has a stack of 2 MiB.
        remove(&tree).unwrap();
        assert!(!tree.exists());
        remove(&tree).unwrap();
    }

    #[test]
    fn what_is_inaccessible_is_removed_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let (tree, outside) = (root.path().join("tree"), root.path().join("outside"));
        fs::create_dir_all(tree.join("closed/inner")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("mine"), "x").unwrap();
        fs::write(tree.join("closed/inner/file"), "x").unwrap();
        symlink(&outside, tree.join("link")).unwrap();
        symlink(&outside, tree.join("closed/inner/link")).unwrap();
        for (name, mode) in [("closed/inner", 0o500), ("closed", 0o000), ("", 0o100)] {
            fs::set_permissions(tree.join(name), Permissions::from_mode(mode)).unwrap();
        }
        remove(&tree).unwrap();
        assert!(!tree.exists() && outside.join("mine").exists());
        symlink(&outside, &tree).unwrap();
        remove(&tree).unwrap();
        assert!(tree.symlink_metadata().is_err() && outside.join("mine").exists());
    }
}
