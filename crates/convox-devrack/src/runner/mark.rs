//! The mark in the environment of every process that a rack starts, and so of its children.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::procfs::{self, Stat};
use convox_wire::ProcessId;

/// The marked variable. Its value is the directory of the process: `DATA/running/web-x2x4f9`.
pub(crate) const VARIABLE: &str = "CONVOX_DEV_PROCESS";

/// Recognizes the processes of one service or build step, or all processes of a rack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark(PathBuf);

impl Mark {
    /// Returns the mark of all processes of the rack with this data directory.
    pub(crate) fn of_rack(data: &Path) -> Self {
        let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        Self(data.join("running"))
    }

    /// Returns the mark of a process, and of its children.
    pub(crate) fn of_process(data: &Path, id: &ProcessId) -> Self {
        Self(Self::of_rack(data).0.join(id.as_str()))
    }

    /// Returns the variable to set.
    pub(crate) fn variable(&self) -> (&'static str, &OsStr) {
        (VARIABLE, self.0.as_os_str())
    }

    /// Returns whether a process carries the mark. As it may have cleared its environment, an orphan
    /// that works in the directory of the mark counts too; others may be a user who looks around.
    pub(crate) fn is_on(&self, process: &Stat) -> bool {
        let marked = procfs::variable(process.pid, VARIABLE);
        let works_there =
            || procfs::directory(process.pid).is_some_and(|at| at.starts_with(&self.0));
        marked.is_some_and(|value| Path::new(&value).starts_with(&self.0))
            || (process.is_orphan() && works_there())
    }

    /// Returns the ids of the services and build steps of the rack with this data directory that
    /// have running processes. Empty if the system does not list processes.
    pub(crate) fn running(data: &Path) -> BTreeSet<OsString> {
        let rack = Self::of_rack(data);
        let processes = procfs::all().unwrap_or_default().into_iter();
        let values = processes.filter_map(|process| procfs::variable(process.pid, VARIABLE));
        let ids = values.filter_map(|value| {
            let inner = Path::new(&value).strip_prefix(&rack.0).ok()?;
            Some(inner.iter().next()?.to_owned())
        });
        ids.collect()
    }
}

/// Returns the value of a variable in the text of an environment, which separates entries by NUL.
pub(super) fn find(environment: &[u8], name: &str) -> Option<OsString> {
    let value = |entry: &[u8]| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value).to_owned())
    };
    environment.split(|byte| *byte == 0).find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let environment = b"AB=1\0B=2=3\0C\0";
        assert_eq!(find(environment, "B"), Some("2=3".into()));
        assert_eq!(find(environment, "A"), None);
        assert_eq!(find(environment, "C"), None);
    }
}
