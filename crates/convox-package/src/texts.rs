//! Small files that are read whole: the manifest, the ignore file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::PackageError;

/// The text of a file; `None` if there is none of this name. What is no file is not opened, as a
/// FIFO would be waited for; it is refused with `not_a_file`.
pub(super) fn read(
    path: &Path,
    not_a_file: impl FnOnce(PathBuf) -> PackageError,
) -> Result<Option<Vec<u8>>, PackageError> {
    let unreadable = |e| PackageError::reading(path, e);
    match fs::metadata(path) {
        Ok(about) if about.is_file() => fs::read(path).map(Some).map_err(unreadable),
        Ok(_) => Err(not_a_file(path.to_owned())),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(unreadable(e)),
    }
}

fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
