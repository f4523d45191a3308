//! An archive that nobody vouches for becomes a folder, and nothing outside of it.
//!
//! Every path is walked from the folder one component at a time, and no step follows a symlink,
//! so neither `..` nor links made by earlier entries lead anywhere else. Symlinks come last, when
//! it is known where each of them ends. Setuid, setgid and sticky bits, owners, devices and FIFOs
//! are not taken over.

mod error;
mod folder;
mod members;
mod symlinks;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;

pub use error::UnpackError;
use flate2::read::MultiGzDecoder;
use folder::{Folder, parts};
use members::{Kind, Member, Members};
use symlinks::Symlinks;

/// What an archive may ask of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole archive, uncompressed.
    pub total: u64,
    /// Bytes of one file.
    pub entry: u64,
    /// Number of entries.
    pub entries: u64,
}

impl Default for Limits {
    /// 8 GiB, 4 GiB, a million.
    fn default() -> Self {
        Self { total: 8 << 30, entry: 4 << 30, entries: 1_000_000 }
    }
}

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes in files.
    pub bytes: u64,
    /// Devices and FIFOs, which were not made.
    pub skipped: u64,
}

/// Unpacks a gzipped tar (one gzip member or many; old, ustar, GNU or PAX headers) into the
/// folder `into`, which is made if need be (0700). Files that are in the way are replaced;
/// folders stay. Folders are always open to their owner, whatever their mode in the archive.
///
/// # Errors
/// The archive is damaged or cut off, goes over a limit, would write or link outside of `into`,
/// holds something unknown; or the system refuses. What was unpacked until then stays: the caller
/// should remove the folder.
pub fn unpack(archive: impl Read, into: &Path, limits: &Limits) -> Result<Unpacked, UnpackError> {
    let folder = Folder::open(into)?;
    let mut members = Members::new(MultiGzDecoder::new(archive), limits);
    let mut unpacking =
        Unpacking { symlinks: Symlinks::default(), folder, done: Unpacked::default() };
    while let Some(member) = members.next()? {
        unpacking.take(&member, &mut members)?;
    }
    unpacking.symlinks.make(&mut unpacking.folder)?;
    Ok(unpacking.done)
}

struct Unpacking {
    folder: Folder,
    symlinks: Symlinks,
    done: Unpacked,
}

impl Unpacking {
    fn take<R: Read>(
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
                Kind::Folder => Ok(()), // `./`: the folder itself
                _ => Err(UnpackError::leaves(&member.path)),
            };
        }
        self.symlinks.clear_way(&path, member)?;
        self.done.entries += 1;
        match member.kind {
            Kind::File => self.take_file(member, &path, members),
            Kind::Folder => self.folder.make_folder(&path, member),
            Kind::HardLink => self.take_hard_link(member, &path),
            Kind::Symlink => {
                self.folder.clear(&path, &member.path)?;
                self.symlinks.add(&path, &member.target);
                Ok(())
            }
            Kind::Special => Ok(()),
        }
    }

    fn take_file<R: Read>(
        &mut self,
        member: &Member,
        path: &[&[u8]],
        members: &mut Members<R>,
    ) -> Result<(), UnpackError> {
        let mut file = self.folder.make_file(path, &member.path)?;
        let copied = members.copy_content(&mut file, member)?;
        self.folder.close_file(&file, member)?;
        self.done.bytes += copied;
        Ok(())
    }

    fn take_hard_link(&mut self, member: &Member, path: &[&[u8]]) -> Result<(), UnpackError> {
        let target = parts(&member.target, &member.path)?;
        match self.symlinks.get(&target) {
            Some(link) => {
                self.folder.clear(path, &member.path)?;
                self.symlinks.add(path, &link);
                Ok(())
            }
            None => self.folder.make_hard_link(path, &target, member),
        }
    }
}
