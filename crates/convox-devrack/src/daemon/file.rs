//! The address file, `rack.json`: mode 0600, replaced atomically.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::lock::Lock;
use super::{Address, DaemonError, at};
use crate::gateway::loopback;
use crate::runner::started_at;
use crate::{directories, ids};

#[derive(Serialize, Deserialize)]
pub(super) struct AddressFile {
    pub(super) port: u16,
    #[serde(deserialize_with = "non_empty")]
    password: String,
    /// The process that served last.
    #[serde(default)]
    pid: Option<i32>,
    /// Its start time, as the system reports it, since process ids are reused.
    #[serde(default)]
    started: Option<String>,
}

impl AddressFile {
    /// Reads the file; `None` if absent.
    pub(super) fn read(data: &Path) -> Result<Option<Self>, DaemonError> {
        let path = path(data);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| DaemonError::Unreadable(path, error))
    }

    /// Creates the file if it is absent, applies `change`, and returns the result.
    pub(super) fn update(data: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, DaemonError> {
        let _lock = Lock::to_change_file(data)?;
        let mut file = match Self::read(data)? {
            Some(file) => file,
            None => Self::new().map_err(DaemonError::Port)?,
        };
        change(&mut file);
        file.write(data).map_err(at(&path(data)))?;
        Ok(file)
    }

    fn new() -> io::Result<Self> {
        let port = std::net::TcpListener::bind(loopback(0))?.local_addr()?.port();
        Ok(Self { port, password: ids::hex::<20>()?, pid: None, started: None })
    }

    fn write(&self, data: &Path) -> io::Result<()> {
        // Temporary files have mode 0600.
        let mut file = tempfile::Builder::new().prefix(".rack.json-").tempfile_in(data)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path(data)).map_err(|error| error.error)?;
        directories::sync(data)
    }

    /// Records that this process serves on `port`.
    pub(super) fn serve_on(&mut self, port: u16) {
        let pid = i32::try_from(std::process::id()).ok();
        (self.port, self.pid, self.started) = (port, pid, pid.and_then(started_at));
    }

    /// Records that no process serves.
    pub(super) fn clear_process(&mut self) {
        (self.pid, self.started) = (None, None);
    }

    /// Returns whether a process served and has not stopped in an orderly way.
    pub(super) fn has_process(&self) -> bool {
        self.pid.is_some()
    }

    pub(super) fn address(&self) -> Address {
        Address { port: self.port, password: SecretString::from(self.password.clone()) }
    }

    /// Returns the process that served last if it is still running.
    pub(super) fn living_pid(&self) -> Option<i32> {
        let pid = self.pid?;
        (self.started.is_some() && started_at(pid) == self.started).then_some(pid)
    }
}

/// Everybody would know an empty password.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Err(D::Error::custom("the password is empty"));
    }
    Ok(text)
}

fn path(data: &Path) -> PathBuf {
    data.join("rack.json")
}
