//! Reading small files whole: the manifest and the ignore file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::{PackageError, Role};

/// The largest file that is read, in bytes. Both files are written by hand, so a larger one is
/// something else.
pub(super) const MAX_SIZE: u64 = 16 << 20;

/// Returns the contents of a file; `None` if it does not exist.
///
/// Non-regular files are rejected unopened, with `not_a_file`: opening a FIFO would block.
pub(super) fn read_file(
    path: &Path,
    not_a_file: impl FnOnce(PathBuf) -> PackageError,
) -> Result<Option<Vec<u8>>, PackageError> {
    let unreadable = |e| PackageError::reading(path, Role::Required, e);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(not_a_file(path.to_owned())),
        Err(e) if is_absent(&e) => return Ok(None),
        Err(e) => return Err(unreadable(e)),
    }
    let mut contents = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut contents))
        .map_err(unreadable)?;
    if contents.len() as u64 > MAX_SIZE {
        return Err(PackageError::TooLarge { path: path.to_owned(), limit: MAX_SIZE });
    }
    Ok(Some(contents))
}

fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
