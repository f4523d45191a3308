//! Opening files below a directory whose paths may exceed the system's limit.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use memchr::memrchr;
use rustix::fs::{Mode, OFlags};

/// The longest path that every system takes in one call (`PATH_MAX` with the NUL is 1024 on macOS,
/// 4096 on Linux).
const LONGEST: usize = 1023;

/// Opens `path`, which is relative to `root`, in several steps if it is too long for one.
pub(super) fn open_below(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let (mut directory, mut rest): (Option<OwnedFd>, _) = (None, path);
    while let Some((first, below)) = split(rest) {
        let through = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let from = directory.as_ref().map_or(root, AsFd::as_fd);
        directory = Some(rustix::fs::openat(from, first, through, Mode::empty())?);
        rest = below;
    }
    let from = directory.as_ref().map_or(root, AsFd::as_fd);
    rustix::fs::openat(from, rest, flags, Mode::empty())
}

/// Splits a path that is too long into the part to open next and the rest; `None` if it is short
/// enough.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = path.get(..=LONGEST)?;
    let slash = memrchr(b'/', &start[..LONGEST])?;
    Some((&path[..slash], &path[slash + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_only_if_it_is_too_long() {
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
