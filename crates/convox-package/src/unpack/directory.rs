//! The directory to unpack into. Every path is walked from its root, never through a symlink.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::super::names;
use super::error::UnpackError;
use super::members::Member;
use super::{MAX_DEPTH, MAX_NAME};

const OPEN_DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The directory to unpack into, and the one below it that was used last.
pub(super) struct Directory {
    root: OwnedFd,
    last: Option<(Vec<u8>, OwnedFd)>,
    was_empty: bool,
}

/// What to do about missing directories on the way.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Create,
    Refuse,
}

/// Returns the components of an entry's name or a hard link's target. `entry` is for error
/// messages.
pub(super) fn parts<'a>(path: &'a [u8], entry: &[u8]) -> Result<Vec<&'a [u8]>, UnpackError> {
    let parts: Vec<_> = path.split(|&byte| byte == b'/').collect();
    let leads_out = path.starts_with(b"/") || parts.contains(&&b".."[..]) || path.contains(&0);
    if leads_out || path.is_empty() {
        return Err(UnpackError::leaves(entry));
    }
    if path.len() as u64 > MAX_NAME {
        return Err(UnpackError::name_too_long(entry, path.len() as u64));
    }
    let parts: Vec<_> = parts.into_iter().filter(|part| !matches!(*part, b"" | b".")).collect();
    if parts.len() > MAX_DEPTH {
        let entry = names::path(entry);
        return Err(UnpackError::TooDeep { entry, depth: parts.len(), limit: MAX_DEPTH });
    }
    Ok(parts)
}

impl Directory {
    /// Opens the directory, after creating it if it does not exist.
    pub(super) fn open(into: &Path) -> Result<Self, UnpackError> {
        let failed = |e| UnpackError::io(into.as_os_str().as_bytes(), e);
        DirBuilder::new().recursive(true).mode(0o700).create(into).map_err(failed)?;
        let flags = OPEN_DIRECTORY.difference(OFlags::NOFOLLOW);
        let root = rustix::fs::open(into, flags, Mode::empty());
        let root = root.map_err(|e| failed(e.into()))?;
        let was_empty = std::fs::read_dir(into).map_err(failed)?.next().is_none();
        Ok(Self { root, last: None, was_empty })
    }

    /// Returns whether nothing was in the directory when it was opened. If so, there is no symlink
    /// on disk before [`create_symlink`](Self::create_symlink) is called.
    pub(super) fn was_empty(&self) -> bool {
        self.was_empty
    }

    /// Creates an empty file. An existing file is replaced, not written to.
    pub(super) fn create_file(
        &mut self,
        path: &[&[u8]],
        entry: &[u8],
    ) -> Result<File, UnpackError> {
        let (directory, name) = self.parent(path, entry)?;
        let create = || rustix::fs::openat(directory, name, NEW_FILE, Mode::from_raw_mode(0o600));
        let file = match create() {
            Err(Errno::EXIST) => {
                clear(directory, name, entry)?;
                create()
            }
            created => created,
        };
        file.map(File::from).map_err(|e| UnpackError::io(entry, e))
    }

    /// Sets the mode and time of a complete file.
    pub(super) fn close_file(&self, file: &File, m: &Member) -> Result<(), UnpackError> {
        let time = Timespec { tv_sec: i64::try_from(m.mtime).unwrap_or(0), tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::fchmod(file, Mode::from_raw_mode(m.mode & 0o777))
            .and_then(|()| rustix::fs::futimens(file, &times))
            .map_err(|e| UnpackError::io(&m.path, e))
    }

    /// Creates a directory, or sets the mode of an existing one.
    pub(super) fn create_directory(
        &mut self,
        path: &[&[u8]],
        m: &Member,
    ) -> Result<(), UnpackError> {
        let directory = self.reach(path, Missing::Create, &m.path)?;
        let mode = Mode::from_raw_mode(m.mode & 0o777 | 0o700);
        rustix::fs::fchmod(directory, mode).map_err(|e| UnpackError::io(&m.path, e))
    }

    /// Creates a hard link to an existing file.
    pub(super) fn create_hard_link(
        &mut self,
        path: &[&[u8]],
        target: &[&[u8]],
        m: &Member,
    ) -> Result<(), UnpackError> {
        let refused = || UnpackError::HardLink {
            entry: names::path(&m.path),
            target: names::path(&m.target),
        };
        let Some((file, above)) = target.split_last() else { return Err(refused()) };
        let from = self.reach(above, Missing::Refuse, &m.path).map_err(|_| refused())?;
        let from = from.try_clone_to_owned().map_err(|e| UnpackError::io(&m.path, e))?;
        let stat = rustix::fs::statat(&from, *file, AtFlags::SYMLINK_NOFOLLOW);
        let kind = stat.map(|stat| FileType::from_raw_mode(stat.st_mode));
        if kind != Ok(FileType::RegularFile) {
            return Err(refused());
        }
        if path == target {
            return Ok(());
        }
        let (directory, name) = self.parent(path, &m.path)?;
        clear(directory, name, &m.path)?;
        rustix::fs::linkat(&from, *file, directory, name, AtFlags::empty())
            .map_err(|e| UnpackError::io(&m.path, e))
    }

    /// Creates a symlink, whatever its target.
    pub(super) fn create_symlink(
        &mut self,
        path: &[&[u8]],
        target: &[u8],
    ) -> Result<(), UnpackError> {
        let entry = path.join(&b'/');
        let (directory, name) = self.parent(path, &entry)?;
        rustix::fs::symlinkat(target, directory, name).map_err(|e| UnpackError::io(&entry, e))
    }

    /// Removes the file or symlink at this path, if there is one.
    pub(super) fn clear(&mut self, path: &[&[u8]], entry: &[u8]) -> Result<(), UnpackError> {
        let (directory, name) = self.parent(path, entry)?;
        clear(directory, name, entry)
    }

    /// Returns the target of the symlink at this path; `None` if there is none on disk.
    pub(super) fn read_link(&mut self, path: &[&[u8]]) -> Option<Vec<u8>> {
        let (name, above) = path.split_last()?;
        let directory = self.reach(above, Missing::Refuse, b"").ok()?;
        let target = rustix::fs::readlinkat(directory, *name, Vec::new()).ok()?;
        Some(target.into_bytes())
    }

    /// Returns the directory that holds the last component, created if missing, and that component.
    fn parent<'p>(
        &mut self,
        path: &[&'p [u8]],
        entry: &[u8],
    ) -> Result<(BorrowedFd<'_>, &'p [u8]), UnpackError> {
        let Some((name, above)) = path.split_last() else {
            return Err(UnpackError::leaves(entry));
        };
        Ok((self.reach(above, Missing::Create, entry)?, name))
    }

    /// Returns the directory at this path. The last one is kept open.
    fn reach(
        &mut self,
        path: &[&[u8]],
        missing: Missing,
        entry: &[u8],
    ) -> Result<BorrowedFd<'_>, UnpackError> {
        let joined = path.join(&b'/');
        if self.last.as_ref().is_none_or(|(last, _)| *last != joined) {
            self.last = self.walk(path, missing, entry)?.map(|directory| (joined, directory));
        }
        Ok(self.last.as_ref().map_or(self.root.as_fd(), |(_, directory)| directory.as_fd()))
    }

    fn walk(
        &self,
        path: &[&[u8]],
        missing: Missing,
        entry: &[u8],
    ) -> Result<Option<OwnedFd>, UnpackError> {
        let mut at: Option<OwnedFd> = None;
        for name in path {
            let directory = at.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            at = Some(
                step(directory, name, missing).map_err(|e| refusal(directory, name, e, entry))?,
            );
        }
        Ok(at)
    }
}

fn step(directory: BorrowedFd<'_>, name: &[u8], missing: Missing) -> rustix::io::Result<OwnedFd> {
    let open = || rustix::fs::openat(directory, name, OPEN_DIRECTORY, Mode::empty());
    match open() {
        Err(Errno::NOENT) if missing == Missing::Create => {
            rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o700))?;
            open()
        }
        opened => opened,
    }
}

fn refusal(directory: BorrowedFd<'_>, name: &[u8], e: Errno, entry: &[u8]) -> UnpackError {
    if !matches!(e, Errno::NOTDIR | Errno::LOOP) {
        return UnpackError::io(entry, e);
    }
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    match stat.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::Symlink) => UnpackError::ThroughLink(names::path(entry)),
        _ => UnpackError::Conflict(names::path(entry)),
    }
}

fn clear(directory: BorrowedFd<'_>, name: &[u8], entry: &[u8]) -> Result<(), UnpackError> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => Err(UnpackError::Conflict(names::path(entry))),
        Err(e) => Err(UnpackError::io(entry, io::Error::from(e))),
    }
}
