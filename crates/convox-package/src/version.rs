//! Noticing that a file has changed between two looks at it.

use rustix::fs::Stat;

/// A file's identity, independent of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

/// A file's identity and state: if two are equal, nothing was written in between, as far as the
/// file system's clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileVersion {
    pub(super) id: FileId,
    /// In bytes.
    pub(super) size: u64,
    /// Seconds and nanoseconds of the last write.
    modified: (i64, i64),
    /// Seconds and nanoseconds of the last write or change of attributes, which programs cannot
    /// set back.
    changed: (i64, i64),
}

impl FileId {
    pub(super) fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

impl FileVersion {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            id: FileId::of(stat),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, signed(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, signed(stat.st_ctime_nsec)),
        }
    }
}

/// Nanoseconds are signed on some systems and unsigned on others.
fn signed(nanoseconds: impl TryInto<i64>) -> i64 {
    nanoseconds.try_into().unwrap_or_default()
}
