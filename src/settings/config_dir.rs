//! The settings directory: reads and writes that are safe while other clients use it.
//!
//! Reading never creates anything; a missing file reads as absent. A write creates the directory
//! (0700) if needed, takes its lock, writes a temporary file (0600) and renames it into place, so
//! readers never see a partial file and concurrent writers never lose each other's changes. The
//! default directory is tightened to 0700 where other clients created it as 0755. A directory
//! named by `CONVOX_CONFIG` keeps its mode, since it may be shared on purpose; the files in it are
//! private either way.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::paths;

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

/// The layout of JSON in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
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

    pub(super) fn write_text(&self, name: &str, text: &str) -> Result<(), ConfigError> {
        let locked = self.lock()?;
        locked.write(name, text.as_bytes())
    }

    pub(super) fn write_json<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        layout: Layout,
    ) -> Result<(), ConfigError> {
        let locked = self.lock()?;
        locked.write_json(name, value, layout)
    }

    /// Removes a file, if it exists.
    pub(super) fn remove(&self, name: &str) -> Result<(), ConfigError> {
        let Some(path) = self.path(name) else { return Ok(()) };
        match fs::remove_file(&path) {
            Err(error) if !is_absent(&error) => Err(ConfigError::Write { path, source: error }),
            _ => Ok(()),
        }
    }

    /// Changes a JSON object of strings: reads, changes and writes it under the lock.
    pub(super) fn update_strings(
        &self,
        name: &str,
        spec: FileSpec,
        change: impl FnOnce(&mut Strings),
    ) -> Result<(), ConfigError> {
        let locked = self.lock()?;
        let mut strings: Strings = self.json(name, spec)?.unwrap_or_default();
        change(&mut strings);
        locked.write_json(name, &strings, Layout::Indented)
    }

    /// Creates the directory if needed and waits for its lock, which is released with the guard.
    fn lock(&self) -> Result<Locked<'_>, ConfigError> {
        let dir = self.dir.as_deref().ok_or(ConfigError::NoLocation)?;
        create_dir(dir)?;
        if self.mode == Mode::Private {
            paths::make_private(dir);
        }
        let path = dir.join(".lock");
        let lock = open_lock(&path).map_err(|source| ConfigError::Write { path, source })?;
        Ok(Locked { dir, _lock: lock })
    }
}

/// The settings directory while its lock is held.
struct Locked<'a> {
    dir: &'a Path,
    _lock: File,
}

impl Locked<'_> {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ConfigError> {
        let path = self.dir.join(name);
        // A symbolic link, as dotfile managers create, is kept: its target is replaced.
        let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let dir = target.parent().unwrap_or(self.dir);
        create_dir(dir)?;
        replace(&target, dir, bytes).map_err(|source| ConfigError::Write { path, source })
    }

    fn write_json<T: Serialize>(
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
}

/// Writes a temporary file in `dir` and renames it to `target`.
fn replace(target: &Path, dir: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
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

fn open_lock(path: &Path) -> std::io::Result<File> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match file.lock() {
        // On a file system without locks, renaming has to be enough.
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(file),
        locked => locked.map(|()| file),
    }
}

/// Returns the trimmed text of `path`; `None` if it is missing or blank.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
    }
}

/// Whether the file is missing, or its parent is not a directory.
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
mod tests {
    use super::*;

    const SPEC: FileSpec = FileSpec { expected: "an object of strings", remedy: Remedy::RunAgain };

    fn config_dir() -> (tempfile::TempDir, ConfigDir) {
        let home = tempfile::tempdir().unwrap();
        let config = ConfigDir::new(Some(home.path().join("a/convox")));
        (home, config)
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn reading_creates_nothing() {
        let (home, config) = config_dir();
        assert_eq!(config.text("host").unwrap(), None);
        assert_eq!(config.json::<Strings>("auth", SPEC).unwrap(), None);
        config.remove("rack").unwrap();
        assert!(fs::read_dir(home.path()).unwrap().next().is_none());
    }

    #[test]
    fn without_a_home_reads_are_empty_and_writes_fail() {
        let config = ConfigDir::new(None);
        assert_eq!(config.text("host").unwrap(), None);
        let error = config.write_text("host", "x").unwrap_err().to_string();
        assert_eq!(
            error,
            "no directory for settings: set HOME, or point CONVOX_CONFIG at a directory"
        );
    }

    #[test]
    fn written_files_and_created_directories_are_private() {
        let (_home, config) = config_dir();
        config.write_text("rack-meta/a.json", "one").unwrap();
        config.write_text("rack-meta/a.json", "two").unwrap();
        assert_eq!(config.text("rack-meta/a.json").unwrap().as_deref(), Some("two"));
        let dir = config.dir().unwrap();
        for (path, expected) in
            [("", 0o700), ("rack-meta", 0o700), ("rack-meta/a.json", 0o600), (".lock", 0o600)]
        {
            assert_eq!(mode(&dir.join(path)), expected, "{path}");
        }
        assert_eq!(fs::read_dir(dir.join("rack-meta")).unwrap().count(), 1);
    }

    #[test]
    fn a_world_readable_file_becomes_private_when_written() {
        let (_home, config) = config_dir();
        let path = config.path("auth").unwrap();
        fs::create_dir_all(config.dir().unwrap()).unwrap();
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        config
            .update_strings("auth", SPEC, |strings| drop(strings.insert("a".into(), "b".into())))
            .unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": \"b\"\n}");
    }

    #[test]
    fn a_symbolic_link_is_written_through() {
        let (home, config) = config_dir();
        let real = home.path().join("real");
        fs::create_dir_all(config.dir().unwrap()).unwrap();
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, config.path("host").unwrap()).unwrap();
        config.write_text("host", "new").unwrap();
        assert!(config.path("host").unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }

    #[test]
    fn blank_files_and_null_are_absent() {
        let (_home, config) = config_dir();
        for content in ["", " \n", "null"] {
            config.write_text("auth", content).unwrap();
            assert_eq!(config.json::<Strings>("auth", SPEC).unwrap(), None, "{content:?}");
            config.update_strings("auth", SPEC, |_| ()).unwrap();
        }
    }

    #[test]
    fn invalid_content_is_reported_with_the_file_and_a_remedy_but_no_value() {
        let (_home, config) = config_dir();
        for content in ["{", "\"hunter2\"", "{\"a\": [\"hunter2\"]}", "hunter2", "{\"hunter2\":5}"]
        {
            config.write_text("auth", content).unwrap();
            let error = config.update_strings("auth", SPEC, |_| ()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("convox/auth is not an object of strings ("), "{shown}");
            assert!(shown.contains("RunAgain"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(config.text("auth").unwrap().as_deref(), Some(content), "unchanged");
        }
    }

    #[test]
    fn an_unusable_file_is_named() {
        let (_home, config) = config_dir();
        fs::create_dir_all(config.path("host/below").unwrap()).unwrap();
        assert!(config.text("host").unwrap_err().to_string().contains("a/convox/host: "));
        assert!(
            config.write_text("host", "x").unwrap_err().to_string().contains("a/convox/host: ")
        );
    }

    #[test]
    fn concurrent_writers_lose_no_change() {
        let (_home, config) = config_dir();
        std::thread::scope(|scope| {
            for client in 0..8 {
                let config = config.clone();
                scope.spawn(move || {
                    for round in 0..10 {
                        let host = format!("host-{client}-{round}");
                        config
                            .update_strings("auth", SPEC, |strings| {
                                strings.insert(host, "token".into());
                            })
                            .unwrap();
                        assert!(config.json::<Strings>("auth", SPEC).unwrap().is_some());
                    }
                });
            }
        });
        assert_eq!(config.json::<Strings>("auth", SPEC).unwrap().unwrap().len(), 80);
    }
}
