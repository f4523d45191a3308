//! The archive of an exported app, as the Go clients write it: a gzipped tar of `app.json` (the app
//! as racks describe it), `env`, `build.tgz` and a dump `resources/NAME.tgz` for each resource.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use convox_package::unpack::{Limits, UnpackError, unpack};
use convox_wire::{App, Environment};

const APP: &str = "app.json";
const ENV: &str = "env";
const BUILD: &str = "build.tgz";
const RESOURCES: &str = "resources";
const DUMP: &str = ".tgz";

/// The parts of an app, in a temporary directory that only this user can read.
pub struct AppArchive {
    directory: TempDir,
}

/// Why an archive can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum AppArchiveError {
    /// Its parts can't be kept in the temporary directory.
    #[error("the export can't be kept: {0}")]
    Kept(#[from] io::Error),
    /// It can't be unpacked.
    #[error("this is not an exported app: {0}")]
    Unpack(UnpackError),
    /// It does not say which app it is of.
    #[error("this is not an exported app: {APP}: {0}")]
    App(io::Error),
}

impl AppArchive {
    /// Creates an archive without parts.
    ///
    /// # Errors
    /// The system's.
    pub fn new(temp_dir: &Path) -> Result<Self, AppArchiveError> {
        let directory = tempfile::Builder::new().prefix("convox-app-").tempdir_in(temp_dir);
        let directory = directory?;
        fs::create_dir(directory.path().join(RESOURCES))?;
        Ok(Self { directory })
    }

    /// Adds the app as the rack describes it.
    ///
    /// # Errors
    /// The system's.
    pub fn put_app(&self, app: &App) -> Result<(), AppArchiveError> {
        let text = serde_json::to_vec(app).map_err(io::Error::from)?;
        Ok(fs::write(self.directory.path().join(APP), text)?)
    }

    /// Adds the environment.
    ///
    /// # Errors
    /// The system's.
    pub fn put_env(&self, env: &Environment) -> Result<(), AppArchiveError> {
        Ok(fs::write(self.directory.path().join(ENV), env.to_string())?)
    }

    /// Where the build goes.
    pub fn build(&self) -> PathBuf {
        self.directory.path().join(BUILD)
    }

    /// Where the dump of a resource goes.
    pub fn resource(&self, name: &str) -> PathBuf {
        self.directory.path().join(RESOURCES).join(format!("{name}{DUMP}"))
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// The system's.
    pub fn pack(&self, out: impl Write) -> io::Result<()> {
        let mut tar = Builder::new(GzEncoder::new(out, Compression::default()));
        let root = self.directory.path();
        for name in [APP, BUILD, ENV] {
            if let Some(file) = open_if_present(&root.join(name))? {
                append(&mut tar, name, file)?;
            }
        }
        append_directory(&mut tar, RESOURCES)?;
        for name in names(&root.join(RESOURCES))? {
            let file = File::open(root.join(RESOURCES).join(&name))?;
            append(&mut tar, &format!("{RESOURCES}/{name}"), file)?;
        }
        tar.into_inner()?.finish()?.flush()
    }

    /// Reads an archive to its end, so that a truncated one is found before anything is imported.
    ///
    /// # Errors
    /// It is not such an archive, damaged, or has names that lead elsewhere.
    pub fn unpack(
        archive: impl Read,
        temp_dir: &Path,
        limits: &Limits,
    ) -> Result<Self, AppArchiveError> {
        let directory = tempfile::Builder::new().prefix("convox-app-").tempdir_in(temp_dir);
        let directory = directory?;
        unpack(archive, directory.path(), limits).map_err(AppArchiveError::Unpack)?;
        Ok(Self { directory })
    }

    /// The app that was exported.
    ///
    /// # Errors
    /// The archive has none, or one that is no app.
    pub fn app(&self) -> Result<App, AppArchiveError> {
        let text = fs::read(self.directory.path().join(APP)).map_err(AppArchiveError::App)?;
        serde_json::from_slice(&text).map_err(|error| AppArchiveError::App(error.into()))
    }

    /// The environment, if there is one.
    ///
    /// # Errors
    /// It can't be read.
    pub fn env(&self) -> Result<Option<Environment>, AppArchiveError> {
        match fs::read_to_string(self.directory.path().join(ENV)) {
            Ok(text) => Ok(Some(Environment::parse(&text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether there is a build.
    pub fn has_build(&self) -> bool {
        self.build().is_file()
    }

    /// The names of the resources that have a dump, sorted.
    ///
    /// # Errors
    /// The system's.
    pub fn resources(&self) -> Result<Vec<String>, AppArchiveError> {
        let directory = self.directory.path().join(RESOURCES);
        if !directory.is_dir() {
            return Ok(Vec::new());
        }
        let names = names(&directory)?.into_iter();
        Ok(names.filter_map(|name| name.strip_suffix(DUMP).map(str::to_owned)).collect())
    }
}

fn open_if_present(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

fn append(tar: &mut Builder<impl Write>, name: &str, file: File) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(file.metadata()?.len());
    header.set_mode(0o600);
    tar.append_data(&mut header, name, file)
}

fn append_directory(tar: &mut Builder<impl Write>, name: &str) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o700);
    tar.append_data(&mut header, name, io::empty())
}
