//! What a rack that was killed left behind.

use std::io;
use std::path::Path;

use futures_util::future::join_all;

use super::context::RunnerContext;
use super::copy::remove_directory;
use super::group::Group;
use super::{ProcessRecord, procfs};

/// Ends the groups that are remembered, and removes the copies that they ran in.
pub(super) async fn end_all(context: &RunnerContext) {
    let records = context.store.processes();
    join_all(records.iter().map(|record| end_one(context, record))).await;
    for record in &records {
        context.store.forget_process(&record.id);
    }
    if let Err(error) = empty(&context.running()) {
        for record in &records {
            context.log_app(
                &record.app,
                &format!("cannot remove {}: {error}", context.running().display()),
            );
        }
    }
}

async fn end_one(context: &RunnerContext, record: &ProcessRecord) {
    let Some(group) = Group::of_leader(record.pid) else { return };
    if !is_ours(context, record) {
        return;
    }
    let line = format!("{}: ended; it was left behind by a rack that was killed", record.id);
    context.log_process(&record.app, &record.service, &record.id, &line);
    group.end(context.limits.stop).await;
}

/// A pid may have been given to another program since. Ours is told by its start time; where the
/// leader has gone, by members of its group that still work in the process's directory.
fn is_ours(context: &RunnerContext, record: &ProcessRecord) -> bool {
    match procfs::started_at(record.pid) {
        Some(started_at) => started_at == record.started_at,
        None => {
            let directory = context.running().join(record.id.as_str());
            let directory = directory.canonicalize().unwrap_or(directory);
            let members = procfs::members(record.pid).unwrap_or_default();
            members
                .into_iter()
                .any(|pid| procfs::directory(pid).is_some_and(|at| at.starts_with(&directory)))
        }
    }
}

fn empty(directory: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        remove_directory(&entry?.path())?;
    }
    Ok(())
}
