//! The folder that is unpacked into: every step from its root, none through a symlink.

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

const OPEN_FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The folder, and the one below it that was used last.
pub(super) struct Folder {
    root: OwnedFd,
    last: Option<(Vec<u8>, OwnedFd)>,
}

/// What to do about folders on the way that do not exist.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Make,
    Refuse,
}

/// The components of an entry's name, or of a hard link's target; `entry` is for messages.
pub(super) fn parts<'a>(path: &'a [u8], entry: &[u8]) -> Result<Vec<&'a [u8]>, UnpackError> {
    let parts: Vec<_> = path.split(|&byte| byte == b'/').collect();
    let leads_out = path.starts_with(b"/") || parts.contains(&&b".."[..]) || path.contains(&0);
    if leads_out || path.is_empty() {
        return Err(UnpackError::leaves(entry));
    }
    Ok(parts.into_iter().filter(|part| !matches!(*part, b"" | b".")).collect())
}

impl Folder {
    /// Opens the folder, and makes it first if need be.
    pub(super) fn open(into: &Path) -> Result<Self, UnpackError> {
        let failed = |e| UnpackError::io(into.as_os_str().as_bytes(), e);
        DirBuilder::new().recursive(true).mode(0o700).create(into).map_err(failed)?;
        let flags = OPEN_FOLDER.difference(OFlags::NOFOLLOW);
        let root = rustix::fs::open(into, flags, Mode::empty());
        Ok(Self { root: root.map_err(|e| failed(e.into()))?, last: None })
    }

    /// Makes an empty file; one that is in the way is replaced, not written to.
    pub(super) fn make_file(&mut self, path: &[&[u8]], entry: &[u8]) -> Result<File, UnpackError> {
        let (folder, name) = self.place(path, entry)?;
        let make = || rustix::fs::openat(folder, name, NEW_FILE, Mode::from_raw_mode(0o600));
        let file = match make() {
            Err(Errno::EXIST) => {
                clear(folder, name, entry)?;
                make()
            }
            made => made,
        };
        file.map(File::from).map_err(|e| UnpackError::io(entry, e))
    }

    /// Gives a file that is complete its mode and time.
    pub(super) fn close_file(&self, file: &File, m: &Member) -> Result<(), UnpackError> {
        let time = Timespec { tv_sec: i64::try_from(m.mtime).unwrap_or(0), tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::fchmod(file, Mode::from_raw_mode(m.mode & 0o777))
            .and_then(|()| rustix::fs::futimens(file, &times))
            .map_err(|e| UnpackError::io(&m.path, e))
    }

    /// Makes a folder, or gives one that exists its mode.
    pub(super) fn make_folder(&mut self, path: &[&[u8]], m: &Member) -> Result<(), UnpackError> {
        let folder = self.reach(path, Missing::Make, &m.path)?;
        let mode = Mode::from_raw_mode(m.mode & 0o777 | 0o700);
        rustix::fs::fchmod(folder, mode).map_err(|e| UnpackError::io(&m.path, e))
    }

    /// Links a file that exists under a second name.
    pub(super) fn make_hard_link(
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
        let about = rustix::fs::statat(&from, *file, AtFlags::SYMLINK_NOFOLLOW);
        let kind = about.map(|about| FileType::from_raw_mode(about.st_mode));
        if kind != Ok(FileType::RegularFile) {
            return Err(refused());
        }
        if path == target {
            return Ok(());
        }
        let (folder, name) = self.place(path, &m.path)?;
        clear(folder, name, &m.path)?;
        rustix::fs::linkat(&from, *file, folder, name, AtFlags::empty())
            .map_err(|e| UnpackError::io(&m.path, e))
    }

    /// Makes a symlink, wherever it leads.
    pub(super) fn make_symlink(
        &mut self,
        path: &[&[u8]],
        target: &[u8],
    ) -> Result<(), UnpackError> {
        let entry = path.join(&b'/');
        let (folder, name) = self.place(path, &entry)?;
        rustix::fs::symlinkat(target, folder, name).map_err(|e| UnpackError::io(&entry, e))
    }

    /// Removes the file or link of this name, if there is one.
    pub(super) fn clear(&mut self, path: &[&[u8]], entry: &[u8]) -> Result<(), UnpackError> {
        let (folder, name) = self.place(path, entry)?;
        clear(folder, name, entry)
    }

    /// Where the symlink at this path leads, if there is one on disk.
    pub(super) fn read_link(&mut self, path: &[&[u8]]) -> Option<Vec<u8>> {
        let (name, above) = path.split_last()?;
        let folder = self.reach(above, Missing::Refuse, b"").ok()?;
        let target = rustix::fs::readlinkat(folder, *name, Vec::new()).ok()?;
        Some(target.into_bytes())
    }

    /// The folder that holds the last component, made if need be, and that component.
    fn place<'p>(
        &mut self,
        path: &[&'p [u8]],
        entry: &[u8],
    ) -> Result<(BorrowedFd<'_>, &'p [u8]), UnpackError> {
        let Some((name, above)) = path.split_last() else {
            return Err(UnpackError::leaves(entry));
        };
        Ok((self.reach(above, Missing::Make, entry)?, name))
    }

    /// The folder of this path; the one used last is at hand.
    fn reach(
        &mut self,
        path: &[&[u8]],
        missing: Missing,
        entry: &[u8],
    ) -> Result<BorrowedFd<'_>, UnpackError> {
        let joined = path.join(&b'/');
        if self.last.as_ref().is_none_or(|(last, _)| *last != joined) {
            self.last = self.walk(path, missing, entry)?.map(|folder| (joined, folder));
        }
        Ok(self.last.as_ref().map_or(self.root.as_fd(), |(_, folder)| folder.as_fd()))
    }

    fn walk(
        &self,
        path: &[&[u8]],
        missing: Missing,
        entry: &[u8],
    ) -> Result<Option<OwnedFd>, UnpackError> {
        let mut at: Option<OwnedFd> = None;
        for name in path {
            let folder = at.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            at = Some(step(folder, name, missing).map_err(|e| refusal(folder, name, e, entry))?);
        }
        Ok(at)
    }
}

fn step(folder: BorrowedFd<'_>, name: &[u8], missing: Missing) -> rustix::io::Result<OwnedFd> {
    let open = || rustix::fs::openat(folder, name, OPEN_FOLDER, Mode::empty());
    match open() {
        Err(Errno::NOENT) if missing == Missing::Make => {
            rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o700))?;
            open()
        }
        opened => opened,
    }
}

fn refusal(folder: BorrowedFd<'_>, name: &[u8], e: Errno, entry: &[u8]) -> UnpackError {
    if !matches!(e, Errno::NOTDIR | Errno::LOOP) {
        return UnpackError::io(entry, e);
    }
    let about = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    match about.map(|about| FileType::from_raw_mode(about.st_mode)) {
        Ok(FileType::Symlink) => UnpackError::ThroughLink(names::path(entry)),
        _ => UnpackError::Conflict(names::path(entry)),
    }
}

fn clear(folder: BorrowedFd<'_>, name: &[u8], entry: &[u8]) -> Result<(), UnpackError> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => Err(UnpackError::Conflict(names::path(entry))),
        Err(e) => Err(UnpackError::io(entry, io::Error::from(e))),
    }
}
