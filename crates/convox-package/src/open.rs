//! Opening what is below a folder, however long its path is.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use memchr::memrchr;
use rustix::fs::{Mode, OFlags};

/// No system takes less in one path (macOS: 1024 with its end; Linux: 4096).
const LONGEST: usize = 1023;

/// Opens `path`, which is relative to `root`; one that is too long, folder by folder.
pub(super) fn open_below(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let (mut folder, mut rest): (Option<OwnedFd>, _) = (None, path);
    while let Some((first, below)) = split(rest) {
        let through = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let from = folder.as_ref().map_or(root, AsFd::as_fd);
        folder = Some(rustix::fs::openat(from, first, through, Mode::empty())?);
        rest = below;
    }
    let from = folder.as_ref().map_or(root, AsFd::as_fd);
    rustix::fs::openat(from, rest, flags, Mode::empty())
}

/// As much of a path that is too long as can be opened at once, and what is below.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = path.get(..=LONGEST)?;
    let slash = memrchr(b'/', &start[..LONGEST])?;
    Some((&path[..slash], &path[slash + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_only_where_it_is_too_long() {
        let name = "n".repeat(254) + "/";
        let long = name.repeat(4) + "xyz"; // 1023 bytes
        assert_eq!(split(long.as_bytes()), None);
        for end in ["xyz/", "wxyz", "wxyz/more"] {
            let path = name.repeat(4) + end;
            let (first, below) = split(path.as_bytes()).unwrap();
            assert_eq!((first.len(), below), (4 * 255 - 1, end.as_bytes()));
        }
    }
}
