//! Where a process works, for commands that are run beside it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::process::Command;

use convox_wire::ProcessId;

/// The directory and the environment of a running process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Workplace {
    /// Its copy of the source.
    pub(crate) directory: PathBuf,
    /// All of its variables.
    pub(crate) variables: Vec<(OsString, OsString)>,
}

impl Workplace {
    /// Returns where a command is started.
    pub(crate) fn of_command(command: &Command) -> Self {
        let command = command.as_std();
        let directory = command.get_current_dir().map(PathBuf::from).unwrap_or_default();
        let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let variables = set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { directory, variables }
    }
}

/// The workplaces of all running processes.
#[derive(Debug, Clone, Default)]
pub(super) struct Workplaces(Arc<Mutex<BTreeMap<ProcessId, Workplace>>>);

impl Workplaces {
    /// Remembers where this command is started.
    pub(super) fn enter(&self, id: &ProcessId, command: &Command) {
        self.all().insert(id.clone(), Workplace::of_command(command));
    }

    /// Forgets the workplace of a process that has ended.
    pub(super) fn leave(&self, id: &ProcessId) {
        self.all().remove(id);
    }

    /// The workplace of a process, while it runs.
    pub(super) fn get(&self, id: &ProcessId) -> Option<Workplace> {
        self.all().get(id).cloned()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<ProcessId, Workplace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
