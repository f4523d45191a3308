//! Writing to the settings directory, under its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::paths;
use super::{ConfigDir, ConfigError, FileSpec, Mode, Strings, is_absent};

/// The prefix of temporary files.
const TEMPORARY: &str = ".new-";

/// The layout of JSON in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Layout {
    Compact,
    Indented,
}

/// The settings directory while its lock is held. Dropping it releases the lock.
#[derive(Debug)]
pub struct ConfigWriter<'a> {
    config: &'a ConfigDir,
    dir: &'a Path,
    _lock: File,
    is_exclusive: bool,
}

impl ConfigDir {
    /// Creates the directory if needed and takes its lock. `None` if another process holds it.
    ///
    /// # Errors
    /// There is no place for settings, or the directory can't be written.
    pub fn try_lock(&self) -> Result<Option<ConfigWriter<'_>>, ConfigError> {
        let dir = self.dir.as_deref().ok_or(ConfigError::NoLocation)?;
        create_dir(dir)?;
        if self.mode == Mode::Private {
            paths::make_private(dir);
        }
        let path = dir.join(".lock");
        let locked = open_lock(&path).map_err(|source| ConfigError::Write { path, source })?;
        Ok(locked.map(|(lock, is_exclusive)| {
            let writer = ConfigWriter { config: self, dir, _lock: lock, is_exclusive };
            writer.remove_leftovers(dir);
            writer
        }))
    }
}

impl ConfigWriter<'_> {
    /// The settings directory, for reading.
    pub(in super::super) fn config(&self) -> &ConfigDir {
        self.config
    }

    pub(in super::super) fn write_text(&self, name: &str, text: &str) -> Result<(), ConfigError> {
        self.write(name, text.as_bytes())
    }

    pub(in super::super) fn write_json<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        layout: Layout,
    ) -> Result<(), ConfigError> {
        let bytes = match layout {
            Layout::Compact => serde_json::to_vec(value),
            Layout::Indented => serde_json::to_vec_pretty(value),
        };
        let bytes = bytes.map_err(|error| ConfigError::Write {
            path: self.dir.join(name),
            source: error.into(),
        })?;
        self.write(name, &bytes)
    }

    /// Changes a JSON object of strings.
    pub(in super::super) fn update_strings(
        &self,
        name: &str,
        spec: FileSpec,
        change: impl FnOnce(&mut Strings),
    ) -> Result<(), ConfigError> {
        let mut strings: Strings = self.config.json(name, spec)?.unwrap_or_default();
        change(&mut strings);
        self.write_json(name, &strings, Layout::Indented)
    }

    /// Removes a file, if it exists.
    pub(in super::super) fn remove(&self, name: &str) -> Result<(), ConfigError> {
        let path = self.dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if !is_absent(&error) => Err(ConfigError::Write { path, source: error }),
            _ => Ok(()),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ConfigError> {
        let path = self.dir.join(name);
        let target = target_of(&path);
        let dir = target.parent().unwrap_or(self.dir);
        create_dir(dir)?;
        self.remove_leftovers(dir);
        replace(&target, dir, bytes).map_err(|source| ConfigError::Write { path, source })
    }

    /// Removes temporary files that a killed process left behind: they may contain tokens. No
    /// other process is writing while the lock is held.
    fn remove_leftovers(&self, dir: &Path) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let is_temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
            if self.is_exclusive && is_temporary {
                // Leftovers are only untidy: failing to remove one does not prevent the write.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Replaces a file at once by one that only its owner can read.
///
/// # Errors
/// It can't be written. The file is as before.
pub fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let target = target_of(path);
    let dir = target.parent().ok_or(ErrorKind::InvalidFilename)?;
    replace(&target, dir, bytes)
}

/// A symbolic link, as dotfile managers create, is kept: its target is replaced.
fn target_of(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Writes a temporary file in `dir` and renames it to `target`.
fn replace(target: &Path, dir: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(target)?;
    Ok(())
}

fn create_dir(dir: &Path) -> Result<(), ConfigError> {
    paths::create_dir(dir).map_err(|source| ConfigError::Write { path: dir.to_owned(), source })
}

/// Opens and locks the file. Returns whether the lock is effective: on a file system without
/// locks, renaming has to be enough. `None` if another process holds the lock.
fn open_lock(path: &Path) -> std::io::Result<Option<(File, bool)>> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some((file, true))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            Ok(Some((file, false)))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
impl ConfigDir {
    /// Takes the lock, waiting for it.
    pub(in super::super) fn writer(&self) -> ConfigWriter<'_> {
        loop {
            if let Some(writer) = self.try_lock().unwrap() {
                return writer;
            }
            std::thread::yield_now();
        }
    }
}
