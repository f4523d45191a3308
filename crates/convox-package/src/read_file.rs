//! Reading small files whole: the manifest and the ignore file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{PackageError, Role};

/// Returns the contents of a file; `None` if it does not exist.
///
/// Non-regular files are rejected unopened, with `not_a_file`: opening a FIFO would block.
pub(super) fn read_file(
    path: &Path,
    not_a_file: impl FnOnce(PathBuf) -> PackageError,
) -> Result<Option<Vec<u8>>, PackageError> {
    let unreadable = |e| PackageError::reading(path, Role::Required, e);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::read(path).map(Some).map_err(unreadable),
        Ok(_) => Err(not_a_file(path.to_owned())),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(unreadable(e)),
    }
}

fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
