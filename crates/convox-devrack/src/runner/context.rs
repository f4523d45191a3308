//! What every process of the runner shares: directories, memory, log, limits.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::RunnerStore;
use super::workplace::Workplaces;
use crate::clock::Clock;
use crate::gateway::loopback;
use convox_wire::{AppName, Process, ProcessId, ProcessStatus, ServiceName};

/// Takes the log of an app: the app, the stream (`service/web/web-x2x4f9` for a process's own
/// output, `system/web/web-x2x4f9` or `system/rack/APP` for what the rack says), one line.
pub type AppLog = Arc<dyn Fn(&AppName, &str, &str) + Send + Sync>;

/// The variables that build steps and services get from the rack itself; nothing else of the
/// rack's own environment reaches them.
#[derive(Debug, Clone, Default)]
pub struct BaseEnvironment {
    /// `PATH`
    pub path: OsString,
    /// `HOME`
    pub home: OsString,
    /// `LANG`, where set.
    pub lang: Option<OsString>,
    /// `TMPDIR`, where set.
    pub tmpdir: Option<OsString>,
}

impl BaseEnvironment {
    /// The variables by name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        let optional = [("LANG", self.lang.as_deref()), ("TMPDIR", self.tmpdir.as_deref())];
        let set = optional.into_iter().filter_map(|(key, value)| Some((key, value?)));
        [("PATH", self.path.as_os_str()), ("HOME", self.home.as_os_str())].into_iter().chain(set)
    }
}

/// Time limits of the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a service with a port to answer on it: 60 s.
    pub ready: Duration,
    /// For a service without a port to stay up: 1 s.
    pub settle: Duration,
    /// For open connections to end before an old process is stopped: 1 s.
    pub drain: Duration,
    /// Between TERM and KILL: 10 s.
    pub stop: Duration,
    /// Before a crashed service is started again for the first time: 1 s. Doubles each time.
    pub first_pause: Duration,
    /// The longest pause before a start: 30 s.
    pub longest_pause: Duration,
    /// After staying up this long a service counts as sound, and the backoff begin anew: 30 s.
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

/// Finds a port for a process.
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
    /// Where running processes have their copies of the source.
    pub(super) fn running(&self) -> PathBuf {
        self.data.join("running")
    }

    /// The rack speaks about a process.
    pub(super) fn log_process(
        &self,
        app: &AppName,
        service: &ServiceName,
        id: &ProcessId,
        line: &str,
    ) {
        (self.log)(app, &format!("system/{service}/{id}"), line);
    }

    /// The rack speaks about an app.
    pub(super) fn log_app(&self, app: &AppName, line: &str) {
        (self.log)(app, &format!("system/rack/{app}"), line);
    }
}

/// A port that is free at this moment. Another program may be quicker to use it.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(loopback(0))?.local_addr()?.port())
}

/// Does some program hold this port?
pub(super) fn is_taken(port: u16) -> bool {
    matches!(TcpListener::bind(loopback(port)), Err(error) if error.kind() == io::ErrorKind::AddrInUse)
}

/// The processes there are, with what is known of them.
#[derive(Clone, Default)]
pub(super) struct ProcessTable(Arc<Mutex<BTreeMap<ProcessId, Process>>>);

impl ProcessTable {
    /// Enters a process, which stays for as long as the entry is held.
    pub(super) fn enter(&self, process: Process) -> ProcessEntry {
        let id = process.id.clone();
        self.rows().insert(id.clone(), process);
        ProcessEntry { processes: self.clone(), id }
    }

    /// The processes of an app, sorted by id.
    pub(super) fn of(&self, app: &AppName) -> Vec<Process> {
        self.rows().values().filter(|process| process.app.as_ref() == Some(app)).cloned().collect()
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, BTreeMap<ProcessId, Process>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process's place in the processes, given up on drop.
pub(super) struct ProcessEntry {
    processes: ProcessTable,
    id: ProcessId,
}

impl ProcessEntry {
    pub(super) fn set(&self, status: ProcessStatus) {
        if let Some(process) = self.processes.rows().get_mut(&self.id) {
            process.status = status;
        }
    }
}

impl Drop for ProcessEntry {
    fn drop(&mut self) {
        self.processes.rows().remove(&self.id);
    }
}
