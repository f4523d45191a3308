//! Lock files (flock(2)): held by a process and released by the system when it exits.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::time::{Instant, sleep};

use super::{DaemonError, at};
use crate::directories;

/// Held by the rack for as long as it runs.
const RACK: &str = "rack.lock";
/// Held by a process that starts a rack, until the rack answers.
const START: &str = "start.lock";

/// [`is_locked`] takes the lock for a moment, so a short wait is needed.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// A lock that is released on drop.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Acquires the rack's own lock.
    pub(super) async fn hold(data: &Path) -> Result<Self, DaemonError> {
        let file = open(&data.join(RACK))?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => sleep(RETRY_INTERVAL).await,
                Err(Errno::WOULDBLOCK) => return Err(DaemonError::AlreadyRunning(data.into())),
                Err(error) => return Err(at(&data.join(RACK))(error.into())),
            }
        }
    }

    /// Acquires the rack's lock, shared with other readers; `None` if a rack holds it.
    pub(super) fn shared(data: &Path) -> Result<Option<Self>, DaemonError> {
        let path = data.join(RACK);
        let file = open(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(at(&path)(error.into())),
        }
    }

    /// Acquires the right to start a rack, waiting for other processes that do.
    pub(super) async fn to_start(data: &Path) -> Result<Self, DaemonError> {
        let path = data.join(START);
        let locking = tokio::task::spawn_blocking(move || Self::wait_for(&path));
        locking.await.map_err(|error| at(data)(io::Error::other(error)))?
    }

    fn wait_for(path: &Path) -> Result<Self, DaemonError> {
        let file = open(path)?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(Errno::INTR) => (),
                Err(error) => return Err(at(path)(error.into())),
            }
        }
    }
}

fn open(path: &Path) -> Result<File, DaemonError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    options.custom_flags(directories::NO_LINK).open(path).map_err(at(path))
}

/// Returns whether a rack holds its lock.
pub(super) fn is_locked(data: &Path) -> Result<bool, DaemonError> {
    // Shared, so that two processes that check at once don't mistake each other for a rack.
    Ok(data.join(RACK).exists() && Lock::shared(data)?.is_none())
}
