//! Replacing files of a rack's directory so that they can be put back.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::CommandError;
use crate::settings::replace_file;

/// Takes the lock of a rack's directory, which keeps two of our own runs apart. It is released with
/// the returned file.
pub(super) fn lock(dir: &Path) -> Result<File, CommandError> {
    let doing = || format!("{} can't be used", dir.display());
    let lock = File::open(dir).map_err(|error| CommandError::while_doing(doing(), error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        // On a file system without locks, Terraform's own lock has to be enough.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(CommandError::while_doing(doing(), error)),
        Err(TryLockError::WouldBlock) => {
            Err(CommandError::new("the rack is being changed by another run of convox")
                .hint("wait until it has ended, and try again"))
        }
    }
}

/// Files as they were.
#[derive(Debug, Default)]
pub(super) struct Originals(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Originals {
    /// Replaces a file, and remembers it as it was before the first time.
    pub(super) fn replace(&mut self, path: &Path, text: &str) -> Result<(), CommandError> {
        let doing = |error| {
            CommandError::while_doing(format!("{} can't be written", path.display()), error)
        };
        if self.0.iter().all(|(known, _)| known != path) {
            let original = match fs::read(path) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(doing(error)),
            };
            self.0.push((path.to_owned(), original));
        }
        replace_file(path, text.as_bytes()).map_err(doing)
    }

    /// Puts all files back. A file that can't be put back does not keep the others from it; the
    /// last such error is returned.
    pub(super) fn restore(self) -> io::Result<()> {
        let mut restored = Ok(());
        for (path, original) in self.0.into_iter().rev() {
            let one = match original {
                Some(bytes) => replace_file(&path, &bytes),
                None => fs::remove_file(path).or_else(|error| match error.kind() {
                    ErrorKind::NotFound => Ok(()), // it was never written
                    _ => Err(error),
                }),
            };
            restored = one.and(restored);
        }
        restored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_put_back_as_they_were_at_first() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        fs::write(&old, "one").unwrap();
        let mut originals = Originals::default();
        originals.replace(&old, "two").unwrap();
        originals.replace(&old, "three").unwrap();
        originals.replace(&new, "four").unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "three");
        originals.restore().unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "one");
        assert!(!new.exists());
    }

    #[test]
    fn a_file_that_cannot_be_put_back_does_not_keep_the_others_from_it() {
        let dir = tempfile::tempdir().unwrap();
        let (first, gone, last) =
            (dir.path().join("first"), dir.path().join("gone"), dir.path().join("last"));
        fs::write(&first, "one").unwrap();
        let mut originals = Originals::default();
        for file in [&first, &gone, &last] {
            originals.replace(file, "new").unwrap();
        }
        fs::remove_file(&gone).unwrap();
        fs::remove_file(&last).unwrap();
        fs::create_dir(&last).unwrap();
        originals.restore().unwrap_err();
        assert_eq!(fs::read_to_string(&first).unwrap(), "one");
    }

    #[test]
    fn the_lock_is_held_once() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(lock(dir.path()).unwrap_err().message().contains("another run of convox"));
        drop(held);
        lock(dir.path()).unwrap();
    }
}
