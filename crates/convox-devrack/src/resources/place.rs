//! Where a resource lives: its directory, its port and its password, kept over restarts.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::engine::driver;
use crate::directories::{Directories, create_private};
use crate::ids;
use crate::manifest::{Engine, ResourceSpec};
use crate::removal::remove;
use crate::runner::{BaseEnvironment, free_port, is_taken};
use convox_wire::AppName;

/// The user and the database of each resource that has them.
pub(super) const USER: &str = "app";

/// The file that keeps the port, the password and the data directory.
const SAVED: &str = "resource.json";

/// The place of the data of servers that refuse to run as root: other users can't enter the data
/// directory of root's rack.
const SHARED_DATA: &str = "/var/lib/convox-dev";

/// A resource of an app and what its server needs.
pub(super) struct Place {
    pub(super) app: AppName,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) engine: Engine,
    /// Private to the user of the rack.
    pub(super) directory: PathBuf,
    /// Private to the user of the server.
    pub(super) data: PathBuf,
    pub(super) port: u16,
    pub(super) password: SecretString,
    pub(super) base: BaseEnvironment,
    /// Who runs the server, if not the user of the rack.
    pub(super) account: Option<Account>,
}

/// No `Debug`: it has the password.
#[derive(Serialize, Deserialize)]
struct Saved {
    port: u16,
    password: String,
    data: PathBuf,
}

impl Place {
    /// Opens the place of a resource, or creates it. A port that another program has taken meanwhile
    /// is replaced.
    pub(super) fn open(
        directories: &Directories,
        base: &BaseEnvironment,
        app: &AppName,
        spec: &ResourceSpec,
        engine: Engine,
    ) -> io::Result<Self> {
        let account = match driver(engine).refuses_root() {
            true => Account::instead_of_root()?,
            false => None,
        };
        let directory =
            directories.resources(app).join(format!("{}.{}", spec.name, driver(engine).name()));
        create_private(&directory)?;
        let before = read(&directory)?;
        let mut saved = match before {
            Some(saved) => saved,
            None => create(&directory, account.as_ref())?,
        };
        if saved.port == 0 || is_taken(saved.port) {
            saved.port = free_port()?;
            write(&directory, &saved)?;
        }
        Ok(Self {
            app: app.clone(),
            name: spec.name.clone(),
            kind: spec.kind.clone(),
            engine,
            directory,
            data: saved.data,
            port: saved.port,
            password: saved.password.into(),
            base: base.clone(),
            account,
        })
    }

    /// Writes a file that only the user of the server can read, and returns its path.
    pub(super) fn write_private(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.directory.join(name);
        write_private(&path, text)?;
        Ok(path)
    }

    /// The password, for files and environments.
    pub(super) fn password(&self) -> &str {
        self.password.expose_secret()
    }
}

fn create(directory: &Path, account: Option<&Account>) -> io::Result<Saved> {
    let data = match account {
        Some(_) => {
            create_shared()?;
            Path::new(SHARED_DATA).join(ids::hex::<8>()?)
        }
        None => directory.join("data"),
    };
    let saved = Saved { port: 0, password: ids::hex::<16>()?, data };
    // Before anything is created there, so that it can be found again.
    write(directory, &saved)?;
    Ok(saved)
}

fn create_shared() -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o711).create(SHARED_DATA)
}

fn read(directory: &Path) -> io::Result<Option<Saved>> {
    match fs::read(directory.join(SAVED)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(directory: &Path, saved: &Saved) -> io::Result<()> {
    write_private(&directory.join(SAVED), &serde_json::to_string(saved)?)
}

/// Replaces a file as a whole; its mode is 0600.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Removes the data of an app's resources that is not in the directory of the app.
pub(super) fn remove_outside(resources: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(resources) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let directory = entry?.path();
        let Some(saved) = read(&directory)? else { continue };
        if saved.data.starts_with(SHARED_DATA) {
            remove(&unfinished(&saved.data))?;
            remove(&saved.data)?;
        }
    }
    Ok(())
}

/// Where a data directory is prepared.
pub(super) fn unfinished(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
