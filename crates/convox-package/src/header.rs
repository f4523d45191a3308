//! Entries of an archive and their headers: GNU tar, which holds names of any length and bytes.
//!
//! Owner and group are 0 and have no names, so an archive tells nothing of the machine it was
//! made on.

use std::sync::Arc;

use tar::{EntryType, Header};

/// The unit in which a tar is laid out.
pub(super) const RECORD: usize = 512;

/// The longest name that a header holds itself, with the NUL that old readers want behind it.
const SHORT: usize = 99;

/// What goes into the archive under one name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Relative to the root; a folder's ends in a slash.
    pub(super) path: Arc<[u8]>,
    pub(super) kind: Kind,
    /// Permission bits, with setuid, setgid and sticky.
    pub(super) mode: u32,
    /// Seconds since 1970.
    pub(super) mtime: i64,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    File {
        size: u64,
        id: FileId,
    },
    Folder,
    /// The target as it is, wherever it leads.
    Symlink(Box<[u8]>),
    /// Another name of a file that is in the archive already.
    HardLink(Arc<[u8]>),
    Fifo,
}

/// Which file it is, whatever its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Entry {
    /// The size of the header in the archive.
    pub(super) fn header_length(&self) -> usize {
        RECORD + long_length(&self.path) + long_length(self.target())
    }

    /// Appends the header.
    pub(super) fn write_header(&self, archive: &mut Vec<u8>) {
        write_long(archive, EntryType::GNULongLink, self.target());
        write_long(archive, EntryType::GNULongName, &self.path);
        let mut header = Header::new_gnu();
        header.set_entry_type(self.entry_type());
        header.set_mode(self.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(u64::try_from(self.mtime).unwrap_or(0));
        header.set_size(self.size());
        if let Some(gnu) = header.as_gnu_mut() {
            fill(&mut gnu.name, &self.path);
            fill(&mut gnu.linkname, self.target());
        }
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
    }

    fn entry_type(&self) -> EntryType {
        match self.kind {
            Kind::File { .. } => EntryType::Regular,
            Kind::Folder => EntryType::Directory,
            Kind::Symlink(_) => EntryType::Symlink,
            Kind::HardLink(_) => EntryType::Link,
            Kind::Fifo => EntryType::Fifo,
        }
    }

    fn size(&self) -> u64 {
        match self.kind {
            Kind::File { size, .. } => size,
            _ => 0,
        }
    }

    fn target(&self) -> &[u8] {
        match &self.kind {
            Kind::Symlink(target) => target,
            Kind::HardLink(target) => target,
            _ => b"",
        }
    }
}

/// As much of the name as there is room for.
fn fill(field: &mut [u8], name: &[u8]) {
    let length = name.len().min(SHORT);
    field[..length].copy_from_slice(&name[..length]);
}

fn long_length(name: &[u8]) -> usize {
    match name.len() {
        0..=SHORT => 0,
        length => RECORD + (length + 1).next_multiple_of(RECORD),
    }
}

/// A name that is too long for the header goes before it, as the content of an entry of its own.
fn write_long(archive: &mut Vec<u8>, kind: EntryType, name: &[u8]) {
    if name.len() <= SHORT {
        return;
    }
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(name.len() as u64 + 1);
    if let Some(gnu) = header.as_gnu_mut() {
        fill(&mut gnu.name, b"././@LongLink");
    }
    header.set_cksum();
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(name);
    archive.resize(archive.len() + padding(name.len() + 1) + 1, 0);
}

/// How many zeros follow content of this length.
pub(super) fn padding(length: usize) -> usize {
    length.next_multiple_of(RECORD) - length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_as_long_as_it_says() {
        for length in [1, 98, 99, 100, 255, 256, 510, 511, 512, 513, 4000] {
            let path = vec![b'n'; length].into();
            let kind = Kind::Symlink(vec![b't'; length].into());
            let entry = Entry { path, kind, mode: 0o644, mtime: -1 };
            let mut archive = Vec::new();
            entry.write_header(&mut archive);
            assert_eq!(archive.len(), entry.header_length(), "{length}");
        }
    }
}
