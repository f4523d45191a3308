//! Unpacking untrusted archives into a directory, without touching anything outside of it.
//!
//! Every path is walked from the directory one component at a time, and no step follows a symlink,
//! so neither `..` nor links from earlier entries lead elsewhere. Symlinks are created last, when
//! it is known where each of them ends. Setuid, setgid, and sticky bits, owners, devices, and FIFOs
//! are dropped.

mod directory;
mod error;
mod members;
mod symlinks;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::Path;

use directory::{Directory, parts};
pub use error::UnpackError;
use flate2::read::MultiGzDecoder;
use members::{Kind, Member, Members};
use symlinks::Symlinks;

/// The longest name of an entry in bytes. Most systems accept paths of up to 4,096 bytes (Linux's
/// `PATH_MAX`), and the directory to unpack into needs some of them.
const MAX_NAME: u64 = 3072;

/// The largest number of components in a name. Many programs keep a descriptor or a stack frame for
/// each level of a tree that they walk or remove.
const MAX_DEPTH: usize = 128;

/// The largest archive to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The uncompressed size of the whole archive in bytes.
    pub total: u64,
    /// The size of one file in bytes.
    pub entry: u64,
    /// The number of entries.
    pub entries: u64,
}

impl Default for Limits {
    /// 8 GiB in total, 4 GiB per file, a million entries.
    fn default() -> Self {
        Self { total: 8 << 30, entry: 4 << 30, entries: 1_000_000 }
    }
}

/// A summary of what was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The number of files, directories, and links.
    pub entries: u64,
    /// The total size of the files in bytes.
    pub bytes: u64,
    /// The number of devices and FIFOs, which are not created.
    pub skipped: u64,
}

/// Unpacks a gzipped tar (one gzip member or several; old, ustar, GNU, or PAX headers) into the
/// directory `into`, which is created with mode 0700 if it does not exist. Existing files are
/// replaced, existing directories kept. Directories are always accessible to their owner, whatever
/// their mode in the archive.
///
/// # Errors
/// Fails if the archive is damaged or truncated, exceeds a limit, would write or link outside of
/// `into`, has entries of an unknown type, or names of more than 3,072 bytes or 128 components; or
/// if a system call fails. What was unpacked until then stays: the caller should remove the
/// directory.
pub fn unpack(archive: impl Read, into: &Path, limits: &Limits) -> Result<Unpacked, UnpackError> {
    unpack_unless(|| false, archive, into, limits)
}

/// Like [`unpack`], but fails with [`UnpackError::Canceled`] soon after `canceled` returns true.
///
/// # Errors
/// As [`unpack`] does.
pub fn unpack_unless(
    canceled: impl Fn() -> bool,
    archive: impl Read,
    into: &Path,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let check = || if canceled() { Err(UnpackError::Canceled) } else { Ok(()) };
    let archive = GzipFile::new(CheckingReader { archive, check: &check });
    let unpacked =
        unpack_checking(&check, MultiGzDecoder::new(archive), into, limits, Root::Refused);
    match unpacked {
        Err(_) if canceled() => Err(UnpackError::Canceled),
        unpacked => unpacked,
    }
}

/// Unpacks an uncompressed tar into the directory `into`, as [`unpack`] does. As GNU tar does, it
/// takes absolute names for names below `into`.
///
/// # Errors
/// As [`unpack`].
pub fn unpack_tar(
    archive: impl Read,
    into: &Path,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    unpack_checking(&|| Ok(()), archive, into, limits, Root::Stripped)
}

/// What becomes of absolute names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Refused,
    Stripped,
}

fn unpack_checking(
    check: &dyn Fn() -> Result<(), UnpackError>,
    archive: impl Read,
    into: &Path,
    limits: &Limits,
    root: Root,
) -> Result<Unpacked, UnpackError> {
    let directory = Directory::open(into)?;
    let mut members = Members::new(archive, limits);
    let mut unpacking =
        Unpacking { symlinks: Symlinks::default(), directory, done: Unpacked::default() };
    while let Some(mut member) = members.next()? {
        check()?;
        if root == Root::Stripped {
            member.strip_root();
        }
        unpacking.unpack(&member, &mut members)?;
    }
    unpacking.symlinks.create(&mut unpacking.directory, check)?;
    Ok(unpacking.done)
}

/// Reads an archive as long as `check` succeeds.
struct CheckingReader<'a, R> {
    archive: R,
    check: &'a dyn Fn() -> Result<(), UnpackError>,
}

impl<R: Read> Read for CheckingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.check)().map_err(io::Error::other)?;
        self.archive.read(buffer)
    }
}

struct Unpacking {
    directory: Directory,
    symlinks: Symlinks,
    done: Unpacked,
}

impl Unpacking {
    fn unpack<R: Read>(
        &mut self,
        member: &Member,
        members: &mut Members<R>,
    ) -> Result<(), UnpackError> {
        if member.kind == Kind::Special {
            self.done.skipped += 1;
            return Ok(());
        }
        let path = parts(&member.path, &member.path)?;
        if path.is_empty() {
            return match member.kind {
                Kind::Directory => Ok(()), // `./` is the directory itself
                _ => Err(UnpackError::leaves(&member.path)),
            };
        }
        self.symlinks.check_path(&path, member)?;
        self.done.entries += 1;
        match member.kind {
            Kind::File => self.unpack_file(member, &path, members),
            Kind::Directory => self.directory.create_directory(&path, member),
            Kind::HardLink => self.unpack_hard_link(member, &path),
            Kind::Symlink => {
                self.directory.clear(&path, &member.path)?;
                self.symlinks.add(&path, &member.target);
                Ok(())
            }
            Kind::Special => Ok(()),
        }
    }

    fn unpack_file<R: Read>(
        &mut self,
        member: &Member,
        path: &[&[u8]],
        members: &mut Members<R>,
    ) -> Result<(), UnpackError> {
        let mut file = self.directory.create_file(path, &member.path)?;
        let copied = members.copy_content(&mut file, member)?;
        self.directory.close_file(&file, member)?;
        self.done.bytes += copied;
        Ok(())
    }

    fn unpack_hard_link(&mut self, member: &Member, path: &[&[u8]]) -> Result<(), UnpackError> {
        let target = parts(&member.target, &member.path)?;
        match self.symlinks.get(&target) {
            Some(link) => {
                self.directory.clear(path, &member.path)?;
                self.symlinks.add(path, &link);
                Ok(())
            }
            None => self.directory.create_hard_link(path, &target, member),
        }
    }
}

/// A reader that fails if it does not begin as gzip does: of a short file of another kind, the
/// decoder would report that it is truncated.
struct GzipFile<R> {
    archive: R,
    /// What was read for the check and not yet passed on. `None` before the check.
    start: Option<VecDeque<u8>>,
}

impl<R: Read> GzipFile<R> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];

    fn new(archive: R) -> Self {
        Self { archive, start: None }
    }

    fn read_start(&mut self) -> io::Result<VecDeque<u8>> {
        let mut start = Vec::new();
        self.archive.by_ref().take(2).read_to_end(&mut start)?;
        match start.as_slice() {
            [] => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
            start if Self::MAGIC.starts_with(start) => Ok(start.to_vec().into()),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a gzip file")),
        }
    }
}

impl<R: Read> Read for GzipFile<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut start = match self.start.take() {
            Some(start) => start,
            None => self.read_start()?,
        };
        let count = if start.is_empty() { self.archive.read(buffer) } else { start.read(buffer) };
        self.start = Some(start);
        count
    }
}
