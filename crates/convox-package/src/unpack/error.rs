//! Errors of unpacking.

use std::io;
use std::path::{Path, PathBuf};

use super::super::names::{self, DisplayPath};
use super::super::system_error::SystemError;
use super::MAX_NAME;

/// Why an archive was not unpacked. Entries are named as in the archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It is not a gzipped tar, it is truncated, or a checksum is wrong.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// An entry's name is absolute, contains `..` or a NUL, or is empty.
    #[error("{}: the name leads outside of the archive", DisplayPath(.0))]
    Leaves(PathBuf),
    /// An entry's name leads through a symlink.
    #[error("{}: the name leads through a symlink", DisplayPath(.0))]
    ThroughLink(PathBuf),
    /// A symlink leads outside of the directory, possibly through other symlinks.
    #[error("{}: the symlink to {} leads outside of the archive", DisplayPath(.entry), DisplayPath(.target))]
    LinkLeaves {
        /// The link.
        entry: PathBuf,
        /// Its target, as in the archive.
        target: PathBuf,
    },
    /// A hard link's target is not a file of the archive.
    #[error("{}: the hard link to {} is not to a file of the archive", DisplayPath(.entry), DisplayPath(.target))]
    HardLink {
        /// The link.
        entry: PathBuf,
        /// Its target, as in the archive.
        target: PathBuf,
    },
    /// A name is used for a directory and for something else.
    #[error("{}: the name is used for both a file and a directory", DisplayPath(.0))]
    Conflict(PathBuf),
    /// An entry of an unsupported type.
    #[error("{}: entries of this type ({kind}) cannot be unpacked", DisplayPath(.entry))]
    Unsupported {
        /// The entry.
        entry: PathBuf,
        /// Its type.
        kind: String,
    },
    /// A file is too large.
    #[error("tar entry {} exceeds maximum entry size of {limit} bytes", DisplayPath(.entry))]
    EntryTooLarge {
        /// The entry.
        entry: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// An entry's name or its target is too long.
    #[error("{}: the name has {length} bytes, the limit is {limit}", abbreviated(.entry))]
    NameTooLong {
        /// The entry, or the beginning of its name.
        entry: PathBuf,
        /// The length of the name in bytes.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// An entry is below too many directories.
    #[error("{}: the name has {depth} components, the limit is {limit}", abbreviated(.entry))]
    TooDeep {
        /// The entry.
        entry: PathBuf,
        /// The number of components.
        depth: usize,
        /// The limit.
        limit: usize,
    },
    /// Finding out where the symlinks end would take too long.
    #[error("the archive's symlinks are too complex")]
    LinksTooComplex,
    /// The caller ended the unpacking.
    #[error("unpacking was canceled")]
    Canceled,
    /// The whole archive is too large.
    #[error("archive exceeds maximum total size of {0} bytes")]
    TooLarge(u64),
    /// There are too many entries.
    #[error("archive exceeds maximum number of {0} entries")]
    TooMany(u64),
    /// A system call failed.
    #[error("cannot unpack {}: {source}", DisplayPath(.path))]
    Io {
        /// The entry or directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: SystemError,
    },
}

impl UnpackError {
    pub(super) fn leaves(entry: &[u8]) -> Self {
        Self::Leaves(names::path(entry))
    }

    pub(super) fn name_too_long(entry: &[u8], length: u64) -> Self {
        Self::NameTooLong { entry: names::path(entry), length, limit: MAX_NAME }
    }

    pub(super) fn io(path: &[u8], source: impl Into<SystemError>) -> Self {
        Self::Io { path: names::path(path), source: source.into() }
    }
}

/// Displays a path of excessive length.
fn abbreviated(path: &Path) -> String {
    let text = DisplayPath(path).to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

pub(super) fn damaged(e: io::Error) -> UnpackError {
    UnpackError::Damaged(match e.kind() {
        io::ErrorKind::UnexpectedEof => "it is truncated".to_owned(),
        _ => SystemError::from(e).to_string(),
    })
}
