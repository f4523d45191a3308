//! The state that all processes of a runner share.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::RunnerStore;
use super::crashes::Crashes;
use super::workplace::Workplaces;
use crate::clock::Clock;
use crate::gateway::loopback;
use convox_wire::{AppName, Process, ProcessId, ProcessStatus, ServiceName};

/// Receives each log line of an app: the app, the stream and the line. The stream is
/// `service/web/web-x2x4f9` for the output of a process, and `system/web/web-x2x4f9` or
/// `system/rack/APP` for messages of the rack.
pub type AppLog = Arc<dyn Fn(&AppName, &str, &str) + Send + Sync>;

/// The part of the rack's own environment that build steps and services inherit.
#[derive(Debug, Clone, Default)]
pub struct BaseEnvironment {
    /// `PATH`
    pub path: OsString,
    /// `HOME`
    pub home: OsString,
    /// `LANG`, if set.
    pub lang: Option<OsString>,
    /// `TMPDIR`, if set.
    pub tmpdir: Option<OsString>,
    /// Variables that only build steps inherit: where toolchains are installed, and proxies.
    pub build: Vec<(String, OsString)>,
    /// Directories with servers that are not on `PATH`; see [`crate::server_directories`].
    pub servers: Vec<PathBuf>,
}

impl BaseEnvironment {
    /// Returns the variables by name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        let optional = [("LANG", self.lang.as_deref()), ("TMPDIR", self.tmpdir.as_deref())];
        let set = optional.into_iter().filter_map(|(key, value)| Some((key, value?)));
        [("PATH", self.path.as_os_str()), ("HOME", self.home.as_os_str())].into_iter().chain(set)
    }
}

/// Time limits of the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a service with a port may take to accept connections: 60 s.
    pub ready: Duration,
    /// How long a service without a port must run to count as started: 1 s.
    pub settle: Duration,
    /// How long open connections may last before an old process is stopped: 1 s.
    pub drain: Duration,
    /// Time between TERM and KILL: 10 s.
    pub stop: Duration,
    /// Pause before a crashed service is restarted: 1 s. It doubles with each crash.
    pub first_pause: Duration,
    /// Maximum pause before a restart: 30 s.
    pub longest_pause: Duration,
    /// After running for this long a service counts as stable, and the pauses start over: 30 s.
    pub sound: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ready: Duration::from_secs(60),
            settle: Duration::from_secs(1),
            drain: Duration::from_secs(1),
            stop: Duration::from_secs(10),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            sound: Duration::from_secs(30),
        }
    }
}

/// Returns a free port for a process.
pub(super) type PortSource = Arc<dyn Fn() -> io::Result<u16> + Send + Sync>;

pub(super) struct RunnerContext {
    pub(super) data: PathBuf,
    pub(super) store: Arc<dyn RunnerStore>,
    pub(super) log: AppLog,
    pub(super) base: BaseEnvironment,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) ports: PortSource,
    pub(super) processes: ProcessTable,
    pub(super) workplaces: Workplaces,
}

impl RunnerContext {
    /// Returns the directory with the copies of the source that processes run in.
    pub(super) fn running(&self) -> PathBuf {
        self.data.join("running")
    }

    /// Logs a message of the rack about a process.
    pub(super) fn log_process(
        &self,
        app: &AppName,
        service: &ServiceName,
        id: &ProcessId,
        line: &str,
    ) {
        (self.log)(app, &format!("system/{service}/{id}"), line);
    }

    /// Logs a message of the rack about an app.
    pub(super) fn log_app(&self, app: &AppName, line: &str) {
        (self.log)(app, &format!("system/rack/{app}"), line);
    }
}

/// Returns a port that is free at the moment. Another program may take it before it is used.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(loopback(0))?.local_addr()?.port())
}

/// Returns whether a program listens on this port.
pub(crate) fn is_taken(port: u16) -> bool {
    matches!(TcpListener::bind(loopback(port)), Err(error) if error.kind() == io::ErrorKind::AddrInUse)
}

/// The current processes, as clients see them.
#[derive(Clone, Default)]
pub(super) struct ProcessTable(Arc<Mutex<BTreeMap<ProcessId, Process>>>);

impl ProcessTable {
    /// Adds a process, which stays listed until the entry is dropped.
    pub(super) fn enter(&self, process: Process) -> ProcessEntry {
        let id = process.id.clone();
        self.lock().insert(id.clone(), process);
        ProcessEntry { processes: self.clone(), id }
    }

    /// Returns the processes of an app, sorted by id.
    pub(super) fn of(&self, app: &AppName) -> Vec<Process> {
        self.lock().values().filter(|process| process.app.as_ref() == Some(app)).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ProcessId, Process>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process's entry in the table, removed on drop.
pub(super) struct ProcessEntry {
    processes: ProcessTable,
    id: ProcessId,
}

impl ProcessEntry {
    pub(super) fn set(&self, status: ProcessStatus) {
        if let Some(process) = self.processes.lock().get_mut(&self.id) {
            process.status = status;
        }
    }

    /// Reports the crashes of its service with the process.
    pub(super) fn report(&self, crashes: &Crashes) {
        if let Some(process) = self.processes.lock().get_mut(&self.id) {
            crashes.report(process);
        }
    }
}

impl Drop for ProcessEntry {
    fn drop(&mut self) {
        self.processes.lock().remove(&self.id);
    }
}
