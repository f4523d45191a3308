//! Lock files (flock(2)): held by a process, released by the system when it ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::time::{Instant, sleep};

use super::{DaemonError, at};

/// Held by the rack as long as it lives.
const RACK: &str = "rack.lock";
/// Held by who starts a rack, until it answers.
const START: &str = "start.lock";
/// Held for the moment in which the address file is changed.
const FILE: &str = "address.lock";

/// Who looks whether the rack's lock is held has it for a moment.
const A_MOMENT: Duration = Duration::from_secs(1);
const TRY_EVERY: Duration = Duration::from_millis(10);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// The rack's own lock.
    pub(super) async fn hold(data: &Path) -> Result<Self, DaemonError> {
        let file = open(&data.join(RACK))?;
        let deadline = Instant::now() + A_MOMENT;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => sleep(TRY_EVERY).await,
                Err(Errno::WOULDBLOCK) => return Err(DaemonError::AlreadyRunning(data.into())),
                Err(error) => return Err(at(&data.join(RACK))(error.into())),
            }
        }
    }

    /// The right to start a rack; waits for others who do.
    pub(super) async fn to_start(data: &Path) -> Result<Self, DaemonError> {
        let path = data.join(START);
        let locking = tokio::task::spawn_blocking(move || Self::wait_for(&path));
        locking.await.map_err(|error| at(data)(io::Error::other(error)))?
    }

    /// The right to change the address file; waits for others who do.
    pub(super) fn to_change_file(data: &Path) -> Result<Self, DaemonError> {
        Self::wait_for(&data.join(FILE))
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
    options.create(true).truncate(false).write(true).mode(0o600).open(path).map_err(at(path))
}

/// Does a rack hold its lock?
pub(super) fn is_held(data: &Path) -> Result<bool, DaemonError> {
    let path = data.join(RACK);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(at(&path)(error)),
    };
    // Shared: two who look do not take each other for a rack.
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(at(&path)(error.into())),
    }
}
