//! Processes that a rack left running when it was killed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::lock::Lock;
use super::record::Record;
use super::{DaemonError, RackError};
use crate::clock::Clock;
use crate::directories::Directories;
use crate::runner::{
    BaseEnvironment, Cgroup, Group, Limits, Mark, ProcessRecord, Runner, RunnerParts, RunnerStore,
    Tree, started_at,
};
use crate::store::Store;

/// Returns how many service and build processes a killed rack left running. Returns 0 if another
/// process uses the database, which then stops them.
pub(super) fn count(data: &Path) -> Result<usize, DaemonError> {
    if !was_killed(data)? {
        return Ok(0);
    }
    let Some(_shared) = Lock::shared(data)? else { return Ok(0) };
    let store = Store::open(&Directories::new(data.to_owned()).database());
    // `rack start` and `rack stop` report a database that can't be opened.
    Ok(store.map_or(0, |store| running(&store, data)))
}

/// Stops the processes that a killed rack left running, and returns their number.
pub(super) async fn stop(data: &Path) -> Result<usize, DaemonError> {
    if !was_killed(data)? {
        return Ok(0);
    }
    // Keeps other processes from starting a rack, which would stop them too.
    let _turn = Lock::to_start(data).await?;
    let held = match Lock::hold(data).await {
        Err(DaemonError::AlreadyRunning(_)) => return Ok(0),
        other => other?,
    };
    let database = Directories::new(data.to_owned()).database();
    let store = Arc::new(Store::open(&database).map_err(RackError::from)?);
    let count = running(&store, data);
    let runner = Runner::of(RunnerParts {
        data: data.to_owned(),
        store,
        log: Arc::new(|_, _, _| ()),
        base: BaseEnvironment::default(),
        limits: Limits::default(),
        clock: Clock::system(),
    });
    runner.stop_orphans().await;
    end_cgroups(cgroups(data), Limits::default().stop).await;
    Record::stopped().write(data)?;
    drop(held);
    Ok(count)
}

/// Returns the cgroups in which a killed rack may have left processes.
pub(super) fn cgroups(data: &Path) -> Vec<Cgroup> {
    // A record that can't be read is reported by whoever needs it.
    Record::read(data).ok().flatten().map(|record| record.cgroups()).unwrap_or_default()
}

/// Stops what is left in cgroups, and removes them.
pub(super) async fn end_cgroups(cgroups: Vec<Cgroup>, grace: Duration) {
    for cgroup in cgroups {
        Tree::of_cgroup(cgroup.clone()).end(grace).await;
        cgroup.remove();
    }
}

/// A rack that stops in an orderly way clears its process id.
fn was_killed(data: &Path) -> Result<bool, DaemonError> {
    let record = Record::read(data)?;
    let has_database = Directories::new(data.to_owned()).database().exists();
    Ok(has_database && record.is_some_and(|record| record.has_process()))
}

/// Counts the services and build steps with running processes, recorded or marked.
fn running(store: &Store, data: &Path) -> usize {
    // Process ids are reused, unless the leader has exited and others of its group have not.
    let is_ours = |record: &ProcessRecord| {
        started_at(record.pid).is_none_or(|time| time == record.started_at)
    };
    let is_alive =
        |record: &ProcessRecord| Group::of_leader(record.pid).is_some_and(Group::is_alive);
    let mut ids = Mark::running(data);
    let records = store.processes().into_iter();
    let recorded = records.filter(|record| is_ours(record) && is_alive(record));
    ids.extend(recorded.map(|record| record.id.as_str().into()));
    // What has neither a record nor a mark is known by its cgroup alone.
    let is_left = cgroups(data).iter().any(|cgroup| !cgroup.pids().is_empty());
    ids.len().max(usize::from(is_left))
}
