//! Why an archive is refused.

use std::io;
use std::path::PathBuf;

use super::super::error::reason;
use super::super::names::{self, Shown};

/// Why an archive was not unpacked. Entries are named as the archive names them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It is no gzipped tar, it is cut off, or a checksum is wrong.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// An entry's name is absolute, has `..` in it, or names no file.
    #[error("{}: the name leads outside of the archive", Shown(.0))]
    Leaves(PathBuf),
    /// An entry's name leads through a symlink.
    #[error("{}: the name leads through a symlink", Shown(.0))]
    ThroughLink(PathBuf),
    /// A symlink leads, at its end, outside of the folder.
    #[error("{}: the symlink to {} leads outside of the archive", Shown(.entry), Shown(.target))]
    LinkLeaves {
        /// The link.
        entry: PathBuf,
        /// Where it leads, as the archive has it.
        target: PathBuf,
    },
    /// A hard link to something that is no file of the archive.
    #[error("{}: the hard link to {} leads to no file of the archive", Shown(.entry), Shown(.target))]
    HardLink {
        /// The link.
        entry: PathBuf,
        /// Where it leads, as the archive has it.
        target: PathBuf,
    },
    /// The name of a file is needed as a folder, or the other way around.
    #[error("{}: the name is that of a file and of a folder", Shown(.0))]
    Conflict(PathBuf),
    /// An entry of a kind that cannot be unpacked.
    #[error("{}: entries of this kind ({kind}) cannot be unpacked", Shown(.entry))]
    Unsupported {
        /// The entry.
        entry: PathBuf,
        /// What it is.
        kind: String,
    },
    /// One file is too large.
    #[error("tar entry {} exceeds maximum entry size of {limit} bytes", Shown(.entry))]
    EntryTooLarge {
        /// The entry.
        entry: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// All is too large together.
    #[error("archive exceeds maximum total size of {0} bytes")]
    TooLarge(u64),
    /// There are too many entries.
    #[error("archive exceeds maximum number of {0} entries")]
    TooMany(u64),
    /// The system refused.
    #[error("cannot unpack {}: {}", Shown(.path), reason(.source))]
    Io {
        /// The entry or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl UnpackError {
    pub(super) fn leaves(entry: &[u8]) -> Self {
        Self::Leaves(names::path(entry))
    }

    pub(super) fn io(path: &[u8], source: impl Into<io::Error>) -> Self {
        Self::Io { path: names::path(path), source: source.into() }
    }
}

pub(super) fn damaged(e: io::Error) -> UnpackError {
    UnpackError::Damaged(match e.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
        _ => reason(&e),
    })
}
