//! The disk space of a data directory.

use std::path::Path;

use secrecy::SecretString;
use serde::Deserialize;

use super::lock::Lock;
use super::{DaemonError, Limits, RackError, RackOptions, Status, check, status};
use crate::clock::Clock;
use crate::runner::BaseEnvironment;
use crate::{disk, gc, lifecycle};

/// Returns the disk space that a data directory uses, in bytes. Blocks on the disk.
pub fn disk_usage(data: &Path) -> u64 {
    disk::usage(data)
}

/// Removes what the releases that the rack keeps don't need: older releases and builds, uploads that
/// were never built, and the archives of finished builds. Works whether or not the rack is running.
/// Returns the number of bytes freed.
///
/// # Errors
/// Fails if the rack does not answer, or if its database can't be used.
pub async fn prune(data: &Path) -> Result<u64, DaemonError> {
    match status(data).await? {
        Status::Running { .. } => prune_running(data).await,
        _ if !data.exists() => Ok(0),
        _ => prune_stopped(data).await,
    }
}

#[derive(Deserialize)]
struct Pruned {
    freed: u64,
}

async fn prune_running(data: &Path) -> Result<u64, DaemonError> {
    let body = check::post(data, "/system/prune").await.map_err(DaemonError::Request)?;
    let pruned: Pruned = serde_json::from_str(&body)
        .map_err(|error| DaemonError::Request(std::io::Error::other(error)))?;
    Ok(pruned.freed)
}

async fn prune_stopped(data: &Path) -> Result<u64, DaemonError> {
    let held = Lock::hold(data).await?;
    let rack = lifecycle::open(RackOptions {
        data: data.to_owned(),
        // No listener, no clients.
        password: SecretString::default(),
        clock: Clock::system(),
        environment: BaseEnvironment::default(),
        limits: Limits::default(),
        log_tap: None,
    })?;
    let freed = gc::prune(&rack).await.map_err(RackError::from)?;
    drop(held);
    Ok(freed)
}
