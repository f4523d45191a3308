//! Processes and files that a killed rack has left.

use std::io;
use std::path::Path;

use futures_util::future::join_all;

use super::context::RunnerContext;
use super::group::Group;
use super::mark::Mark;
use super::tree::Tree;
use super::{ProcessRecord, procfs};
use crate::removal;

/// Stops the recorded processes and those that carry the mark of the rack: it may have been killed
/// before it could record one. Removes the copies of the source that they ran in.
pub(super) async fn end_all(context: &RunnerContext) {
    let records = context.store.processes();
    let recorded = join_all(records.iter().map(|record| end_one(context, record)));
    let marked = Tree::marked(Mark::of_rack(&context.data));
    tokio::join!(recorded, marked.end(context.limits.stop));
    for record in &records {
        context.store.forget_process(&record.id);
    }
    if let Err(error) = clear(&context.running()) {
        for record in &records {
            context.log_app(
                &record.app,
                &format!("can't remove {}: {error}", context.running().display()),
            );
        }
    }
}

async fn end_one(context: &RunnerContext, record: &ProcessRecord) {
    let Some(group) = Group::of_leader(record.pid) else { return };
    if !is_ours(context, record) {
        return;
    }
    let line = format!("{}: stopped; a rack that was killed had left it running", record.id);
    context.log_process(&record.app, &record.service, &record.id, &line);
    let mark = Mark::of_process(&context.data, &record.id);
    Tree::new(group, mark).end(context.limits.stop).await;
}

/// Returns whether a recorded pid still belongs to the recorded process: pids are reused. Its start
/// time decides, or, if the leader has exited, whether a member of its group works in its directory.
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

fn clear(directory: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        removal::remove(&entry?.path())?;
    }
    Ok(())
}
