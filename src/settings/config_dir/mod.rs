//! The settings directory: reads and writes that are safe while other clients use it.
//!
//! Reading never creates anything; a missing file reads as absent. A write creates the directory
//! (0700) if needed, takes its lock, writes a temporary file (0600) and renames it into place, so
//! readers never see a partial file and concurrent writers never lose each other's changes. The
//! default directory is tightened to 0700 where other clients created it as 0755. A directory
//! named by `CONVOX_CONFIG` keeps its mode, since it may be shared on purpose; the files in it are
//! private either way.

mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

pub(super) use writer::Layout;
pub use writer::{ConfigWriter, replace_file};

/// The settings directory. Creating one is cheap: files are read on demand.
#[derive(Debug, Clone)]
pub struct ConfigDir {
    dir: Option<PathBuf>,
    mode: Mode,
}

/// Whether the mode of an existing directory is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Kept,
    Private,
}

/// A settings file that can't be used. Messages never repeat the file's content.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Neither `HOME` nor a variable that names the directory is set.
    #[error("no directory for settings: set HOME, or point CONVOX_CONFIG at a directory")]
    NoLocation,
    /// It exists and can't be read.
    #[error("can't read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It can't be written.
    #[error("can't write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Its content is not what is expected.
    #[error("{} is not {expected} ({why})", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What it should contain.
        expected: &'static str,
        /// What is wrong, and where.
        why: String,
        /// What recreates it.
        remedy: Remedy,
    },
}

/// What recreates a settings file that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Running the command again.
    RunAgain,
    /// Selecting a rack.
    SelectRack,
    /// Logging in.
    LogIn,
    /// Logging in and trusting the certificate.
    Trust,
}

/// What a file should contain, and how to recreate it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileSpec {
    pub(super) expected: &'static str,
    pub(super) remedy: Remedy,
}

/// A JSON object whose values are strings, such as passwords by host.
pub(super) type Strings = BTreeMap<String, String>;

impl ConfigDir {
    /// Returns the settings in `dir`, whose mode is kept. `None` reads as an empty directory and
    /// can't be written.
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self { dir, mode: Mode::Kept }
    }

    /// Returns the settings in `dir`, which belongs to this program alone: writing makes it 0700.
    pub fn private(dir: Option<PathBuf>) -> Self {
        Self { dir, mode: Mode::Private }
    }

    /// Returns the path of the directory, if one is known.
    pub fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join(name))
    }

    /// Returns the trimmed text of a file; `None` if it is missing or blank.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ConfigError> {
        self.path(name).map_or(Ok(None), |path| read_text(&path))
    }

    /// Returns the value in a JSON file; `None` if the file is missing, blank or `null`.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        name: &str,
        spec: FileSpec,
    ) -> Result<Option<T>, ConfigError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        let Some(text) = read_text(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map_err(|error| ConfigError::Invalid {
            path,
            expected: spec.expected,
            why: position_of(&error),
            remedy: spec.remedy,
        })
    }
}

/// The largest file that is read whole, in bytes. All of them are small, so a larger one is something
/// else.
const MAX_FILE: u64 = 16 << 20;

/// Reads a file that is small unless something is wrong with it.
pub(crate) fn read_small_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it is larger than 16 MB"));
    }
    Ok(text)
}

/// Returns the text of `path`, trimmed and without a byte order mark; `None` if it is missing or blank.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, ConfigError> {
    match read_small_file(path) {
        Ok(text) => {
            // Editors on Windows start files with a byte order mark.
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
            Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
        }
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
    }
}

/// Returns whether the file is missing, or its parent is not a directory.
pub(super) fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Describes where JSON is invalid. serde's own message may repeat a value, such as a password.
fn position_of(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "unexpected type of value",
        _ => "invalid JSON",
    };
    format!("{what} at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests;
