//! What a rack that was killed left behind.

use std::io;
use std::path::Path;

use futures_util::future::join_all;

use super::copy::remove_folder;
use super::group::Group;
use super::host::Host;
use super::{ProcessRecord, census};

/// Ends the groups that are remembered, and removes the copies that they ran in.
pub(super) async fn end_all(host: &Host) {
    let records = host.ledger.processes();
    join_all(records.iter().map(|record| end_one(host, record))).await;
    for record in &records {
        host.ledger.forget_process(&record.id);
    }
    if let Err(error) = empty(&host.running()) {
        for record in &records {
            host.say_of_app(
                &record.app,
                &format!("cannot remove {}: {error}", host.running().display()),
            );
        }
    }
}

async fn end_one(host: &Host, record: &ProcessRecord) {
    let Some(group) = Group::led_by(record.pid) else { return };
    if !is_ours(host, record) {
        return;
    }
    let line = format!("{}: ended; it was left behind by a rack that was killed", record.id);
    host.say(&record.app, &record.service, &record.id, &line);
    group.end(host.limits.stop).await;
}

/// A pid may have been given to another program since. Ours is told by its start time; where the
/// leader has gone, by members of its group that still work in the process's folder.
fn is_ours(host: &Host, record: &ProcessRecord) -> bool {
    match census::started_at(record.pid) {
        Some(started_at) => started_at == record.started_at,
        None => {
            let folder = host.running().join(record.id.as_str());
            let folder = folder.canonicalize().unwrap_or(folder);
            let members = census::members(record.pid).unwrap_or_default();
            members
                .into_iter()
                .any(|pid| census::folder(pid).is_some_and(|at| at.starts_with(&folder)))
        }
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        remove_folder(&entry?.path())?;
    }
    Ok(())
}
