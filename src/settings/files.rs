//! Reading and writing in the settings folder, safely beside other clients.
//!
//! Reading creates nothing, and a file that is missing reads as absent. Writing makes the folder
//! (0700) if need be, takes its lock, writes a temporary file (0600) in it and renames it, so that
//! no reader sees half a file and no two writers lose each other's change. The usual folder becomes
//! 0700 where other clients have made it 0755; one that somebody named keeps its mode: it may be
//! shared on purpose, and each file in it is private all the same.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::paths;

/// The settings folder. Cheap to make: nothing is read before it is asked for.
#[derive(Debug, Clone)]
pub struct ConfigDir {
    folder: Option<PathBuf>,
    mode: Mode,
}

/// What becomes of the mode of a folder that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Kept,
    Private,
}

/// A settings file that cannot be used. Never contains what is in the file.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Neither HOME nor one of the variables that name the folder is set.
    #[error("no place for settings: set HOME, or CONVOX_CONFIG to a folder")]
    NoFolder,
    /// It exists and cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It does not hold what it should.
    #[error("{} is not {expected} ({why}): correct it, or delete it and {mend}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// Where it is wrong.
        why: String,
        /// What makes it anew.
        mend: &'static str,
    },
}

/// What a file should hold, and what to do where it does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) expected: &'static str,
    pub(super) mend: &'static str,
}

/// How JSON is laid out in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
}

/// A JSON object of texts, such as passwords by host.
pub(super) type Texts = BTreeMap<String, String>;

impl ConfigDir {
    /// The files in `folder`; `None` reads as an empty folder and cannot be written. Its mode is
    /// kept.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, mode: Mode::Kept }
    }

    /// The same in a folder that is nobody's but ours: writing makes it 0700.
    pub fn private(folder: Option<PathBuf>) -> Self {
        Self { folder, mode: Mode::Private }
    }

    /// The folder, if there is a place for one.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(name))
    }

    /// The text of a file, trimmed; a missing or blank file is `None`.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, FilesError> {
        self.path(name).map_or(Ok(None), |path| read_text(&path))
    }

    /// The value in a JSON file; a missing or blank file, or `null`, is `None`.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        name: &str,
        kind: Kind,
    ) -> Result<Option<T>, FilesError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        let Some(text) = read_text(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map_err(|error| FilesError::Content {
            path,
            expected: kind.expected,
            why: place_of(&error),
            mend: kind.mend,
        })
    }

    pub(super) fn write_text(&self, name: &str, text: &str) -> Result<(), FilesError> {
        let locked = self.lock()?;
        locked.write(name, text.as_bytes())
    }

    pub(super) fn write_json<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        layout: Layout,
    ) -> Result<(), FilesError> {
        let locked = self.lock()?;
        locked.write_json(name, value, layout)
    }

    /// Removes a file; that it is missing already is fine.
    pub(super) fn remove(&self, name: &str) -> Result<(), FilesError> {
        let Some(path) = self.path(name) else { return Ok(()) };
        match fs::remove_file(&path) {
            Err(error) if !is_absent(&error) => Err(FilesError::Write { path, source: error }),
            _ => Ok(()),
        }
    }

    /// Changes a JSON object of texts: read, changed and written under the lock.
    pub(super) fn update_texts(
        &self,
        name: &str,
        kind: Kind,
        change: impl FnOnce(&mut Texts),
    ) -> Result<(), FilesError> {
        let locked = self.lock()?;
        let mut texts: Texts = self.json(name, kind)?.unwrap_or_default();
        change(&mut texts);
        locked.write_json(name, &texts, Layout::Indented)
    }

    /// Makes the folder if need be and waits for its lock, which ends with the guard.
    fn lock(&self) -> Result<Locked<'_>, FilesError> {
        let folder = self.folder.as_deref().ok_or(FilesError::NoFolder)?;
        make_folder(folder)?;
        if self.mode == Mode::Private {
            paths::make_private(folder);
        }
        let path = folder.join(".lock");
        let lock = open_lock(&path).map_err(|source| FilesError::Write { path, source })?;
        Ok(Locked { folder, _lock: lock })
    }
}

/// The settings folder while no other client writes to it.
struct Locked<'a> {
    folder: &'a Path,
    _lock: File,
}

impl Locked<'_> {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FilesError> {
        let path = self.folder.join(name);
        // a link, as people who keep their settings elsewhere have it, stays a link
        let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let folder = target.parent().unwrap_or(self.folder);
        make_folder(folder)?;
        replace(&target, folder, bytes).map_err(|source| FilesError::Write { path, source })
    }

    fn write_json<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        layout: Layout,
    ) -> Result<(), FilesError> {
        let bytes = match layout {
            Layout::Compact => serde_json::to_vec(value),
            Layout::Indented => serde_json::to_vec_pretty(value),
        };
        let bytes = bytes.map_err(|error| FilesError::Write {
            path: self.folder.join(name),
            source: error.into(),
        })?;
        self.write(name, &bytes)
    }
}

/// Writes a file beside `target` and gives it that name.
fn replace(target: &Path, folder: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(target)?;
    Ok(())
}

fn make_folder(folder: &Path) -> Result<(), FilesError> {
    paths::make(folder).map_err(|source| FilesError::Write { path: folder.to_owned(), source })
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match file.lock() {
        // a file system without locks: rename alone has to do
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(file),
        locked => locked.map(|()| file),
    }
}

/// The trimmed text of `path`; `None` where it is missing or blank.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, FilesError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(FilesError::Read { path: path.to_owned(), source }),
    }
}

/// Missing, or below something that is no folder.
pub(super) fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Where JSON is wrong; serde's own words may repeat a value, which may be a password.
fn place_of(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "another kind of value",
        _ => "no JSON",
    };
    format!("{what} at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { expected: "an object of texts", mend: "try again" };

    fn files() -> (tempfile::TempDir, ConfigDir) {
        let home = tempfile::tempdir().unwrap();
        let files = ConfigDir::new(Some(home.path().join("a/convox")));
        (home, files)
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn reading_creates_nothing() {
        let (home, files) = files();
        assert_eq!(files.text("host").unwrap(), None);
        assert_eq!(files.json::<Texts>("auth", KIND).unwrap(), None);
        files.remove("rack").unwrap();
        assert!(fs::read_dir(home.path()).unwrap().next().is_none());
    }

    #[test]
    fn without_a_place_reads_are_empty_and_writes_say_so() {
        let files = ConfigDir::new(None);
        assert_eq!(files.text("host").unwrap(), None);
        let error = files.write_text("host", "x").unwrap_err().to_string();
        assert_eq!(error, "no place for settings: set HOME, or CONVOX_CONFIG to a folder");
    }

    #[test]
    fn a_written_file_is_private_in_a_private_folder() {
        let (_home, files) = files();
        files.write_text("rack-meta/a.json", "one").unwrap();
        files.write_text("rack-meta/a.json", "two").unwrap();
        assert_eq!(files.text("rack-meta/a.json").unwrap().as_deref(), Some("two"));
        let folder = files.folder().unwrap();
        for (path, expected) in
            [("", 0o700), ("rack-meta", 0o700), ("rack-meta/a.json", 0o600), (".lock", 0o600)]
        {
            assert_eq!(mode(&folder.join(path)), expected, "{path}");
        }
        assert_eq!(fs::read_dir(folder.join("rack-meta")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_could_read_becomes_private_when_written() {
        let (_home, files) = files();
        let path = files.path("auth").unwrap();
        fs::create_dir_all(files.folder().unwrap()).unwrap();
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        files
            .update_texts("auth", KIND, |texts| drop(texts.insert("a".into(), "b".into())))
            .unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": \"b\"\n}");
    }

    #[test]
    fn a_link_stays_a_link() {
        let (home, files) = files();
        let real = home.path().join("real");
        fs::create_dir_all(files.folder().unwrap()).unwrap();
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, files.path("host").unwrap()).unwrap();
        files.write_text("host", "new").unwrap();
        assert!(files.path("host").unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }

    #[test]
    fn blank_files_and_null_are_absent() {
        let (_home, files) = files();
        for content in ["", " \n", "null"] {
            files.write_text("auth", content).unwrap();
            assert_eq!(files.json::<Texts>("auth", KIND).unwrap(), None, "{content:?}");
            files.update_texts("auth", KIND, |_| ()).unwrap();
        }
    }

    #[test]
    fn wrong_content_names_the_file_and_the_way_out_but_no_value() {
        let (_home, files) = files();
        for content in ["{", "\"hunter2\"", "{\"a\": [\"hunter2\"]}", "hunter2", "{\"hunter2\":5}"]
        {
            files.write_text("auth", content).unwrap();
            let error = files.update_texts("auth", KIND, |_| ()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("convox/auth is not an object of texts ("), "{shown}");
            assert!(shown.contains("or delete it and try again"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(files.text("auth").unwrap().as_deref(), Some(content), "left as it was");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_or_written_is_named() {
        let (_home, files) = files();
        fs::create_dir_all(files.path("host/below").unwrap()).unwrap();
        assert!(files.text("host").unwrap_err().to_string().contains("a/convox/host: "));
        assert!(files.write_text("host", "x").unwrap_err().to_string().contains("a/convox/host: "));
    }

    #[test]
    fn several_clients_at_once_lose_nothing() {
        let (_home, files) = files();
        std::thread::scope(|scope| {
            for client in 0..8 {
                let files = files.clone();
                scope.spawn(move || {
                    for round in 0..10 {
                        let host = format!("host-{client}-{round}");
                        files
                            .update_texts("auth", KIND, |texts| {
                                texts.insert(host, "token".into());
                            })
                            .unwrap();
                        assert!(files.json::<Texts>("auth", KIND).unwrap().is_some());
                    }
                });
            }
        });
        assert_eq!(files.json::<Texts>("auth", KIND).unwrap().unwrap().len(), 80);
    }
}
