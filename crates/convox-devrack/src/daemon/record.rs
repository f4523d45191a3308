//! The record of the process that serves a data directory, `rack.json`: mode 0600, replaced
//! atomically. Only the process that holds the rack's lock writes it.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Address, DaemonError, at};
use crate::directories;
use crate::runner::{Cgroup, started_at};

#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// The process that serves, or was killed. `None` after an orderly stop.
    pid: Option<i32>,
    /// Its start time, as the system reports it, since process ids are reused.
    started: Option<String>,
    /// Where it listens besides its socket.
    listen: Option<Listen>,
    /// The cgroups of the processes that it has started, and of those that earlier racks have left.
    #[serde(default)]
    cgroups: Vec<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Listen {
    address: SocketAddr,
    password: String,
}

impl Record {
    /// Reads the record; `None` if absent.
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

    /// Records that this process serves, where it listens, and where its processes are.
    pub(super) fn of_this_process(address: Option<&Address>, cgroups: &[Cgroup]) -> Self {
        let pid = i32::try_from(std::process::id()).ok();
        let listen = address.map(|address| Listen {
            address: address.socket,
            password: address.password.expose_secret().to_owned(),
        });
        let cgroups = cgroups.iter().map(|cgroup| cgroup.path().to_owned()).collect();
        Self { pid, started: pid.and_then(started_at), listen, cgroups }
    }

    /// Records that no process serves.
    pub(super) fn stopped() -> Self {
        Self { pid: None, started: None, listen: None, cgroups: Vec::new() }
    }

    pub(super) fn write(&self, data: &Path) -> Result<(), DaemonError> {
        self.replace(data).map_err(at(&path(data)))
    }

    fn replace(&self, data: &Path) -> io::Result<()> {
        // Temporary files have mode 0600.
        let mut file = tempfile::Builder::new().prefix(".rack.json-").tempfile_in(data)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path(data)).map_err(|error| error.error)?;
        directories::sync(data)
    }

    /// Returns whether a process served and has not stopped in an orderly way.
    pub(super) fn has_process(&self) -> bool {
        self.pid.is_some()
    }

    pub(super) fn address(&self) -> Option<Address> {
        let Listen { address, password } = self.listen.as_ref()?;
        Some(Address { socket: *address, password: SecretString::from(password.clone()) })
    }

    /// Returns the cgroups in which processes may be left.
    pub(super) fn cgroups(&self) -> Vec<Cgroup> {
        self.cgroups.iter().cloned().map(Cgroup::at).collect()
    }

    /// Returns the process that served last if it is still running.
    pub(super) fn living_pid(&self) -> Option<i32> {
        let pid = self.pid?;
        (self.started.is_some() && started_at(pid) == self.started).then_some(pid)
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("rack.json")
}
