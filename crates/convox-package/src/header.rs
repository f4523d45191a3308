//! Entries of an archive and their headers, in the GNU format: names may have any length and bytes.
//!
//! Owner and group are 0 without names, so an archive reveals nothing about the machine it was
//! made on.

use std::sync::Arc;

use tar::{EntryType, Header};

use super::version::FileVersion;

/// The size of a tar record in bytes: headers and contents are padded to it.
pub(super) const RECORD: usize = 512;

/// The longest name that fits into a header, which has 100 bytes for it: old readers expect a NUL.
const SHORT: usize = 99;

/// An entry of the archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Relative to the root; ends in a slash for a directory.
    pub(super) path: Arc<[u8]>,
    pub(super) kind: Kind,
    /// Permission bits, with setuid, setgid and sticky.
    pub(super) mode: u32,
    /// Seconds since 1970.
    pub(super) mtime: i64,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    File(FileVersion),
    Directory,
    /// The target, unresolved.
    Symlink(Box<[u8]>),
    /// The path of an earlier entry that is the same file.
    HardLink(Arc<[u8]>),
    Fifo,
}

impl Entry {
    /// The size of the header in bytes, including the entries that hold long names.
    pub(super) fn header_length(&self) -> usize {
        RECORD + long_length(&self.path) + long_length(self.target())
    }

    /// Appends the header.
    pub(super) fn write_header(&self, archive: &mut Vec<u8>) {
        let mut header = Header::new_gnu();
        header.set_entry_type(self.entry_type());
        header.set_mode(self.mode);
        header.set_mtime(u64::try_from(self.mtime).unwrap_or(0));
        header.set_size(self.size());
        write_header(archive, header, &self.path, self.target());
    }

    fn entry_type(&self) -> EntryType {
        match self.kind {
            Kind::File(_) => EntryType::Regular,
            Kind::Directory => EntryType::Directory,
            Kind::Symlink(_) => EntryType::Symlink,
            Kind::HardLink(_) => EntryType::Link,
            Kind::Fifo => EntryType::Fifo,
        }
    }

    fn size(&self) -> u64 {
        match self.kind {
            Kind::File(version) => version.size,
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

/// Appends a GNU header for an entry of this name and link target, without owner and group. Both
/// are written as they are, absolute ones too, in entries of their own where they are long.
pub fn write_header(archive: &mut Vec<u8>, mut header: Header, name: &[u8], target: &[u8]) {
    write_long(archive, EntryType::GNULongLink, target);
    write_long(archive, EntryType::GNULongName, name);
    header.set_uid(0);
    header.set_gid(0);
    if let Some(gnu) = header.as_gnu_mut() {
        fill(&mut gnu.name, name);
        fill(&mut gnu.linkname, target);
    }
    header.set_cksum();
    archive.extend_from_slice(header.as_bytes());
}

/// Copies as much of the name as fits.
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

/// Writes a name that is too long for the header as the content of an entry before it.
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

/// The number of zeros that follow content of this length, in bytes.
pub fn padding(length: usize) -> usize {
    length.next_multiple_of(RECORD) - length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_the_length_it_announces() {
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
