//! Starting a rack in the background, and ending it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::file::AddressFile;
use super::lock::{self, Lock};
use super::{Address, DaemonError, Status, at, prepare, status};

/// A rack answers at once; a slow disk may take its time to open the database.
const START: Duration = Duration::from_secs(30);
/// Apps have 10 s after TERM, clients and builds 5 s before that.
const STOP: Duration = Duration::from_secs(40);
const KILL: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What [`stop`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It came to its end.
    Ended,
    /// It had to be killed; what it left running is ended by the next rack.
    Killed,
    /// There was none.
    WasNotRunning,
}

/// Starts `program` with `arguments` as the rack of this data folder, in the background, and waits
/// until it answers. The program must call [`super::detach_self`] and then [`super::run`]. Its
/// output goes to `log` (0600). Where a rack runs already, or somebody else is just starting one,
/// that one is taken.
///
/// # Errors
/// The program cannot be started, ends, or does not answer within 30 s.
pub async fn start_detached(
    data: &Path,
    program: &Path,
    arguments: &[OsString],
    log: &Path,
) -> Result<Address, DaemonError> {
    prepare(data)?;
    let _turn = Lock::to_start(data).await?;
    if let Status::Running { address, .. } = status(data).await? {
        return Ok(address);
    }
    let mut child = spawn(data, program, arguments, log)?;
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if let Status::Running { address, .. } = status(data).await? {
            return Ok(address);
        }
        // One that ended because another rack was quicker is no failure: that one will answer.
        if let Ok(Some(ended)) = child.try_wait()
            && !lock::is_held(data)?
        {
            let reason = last_line(log).unwrap_or_else(|| ended.to_string());
            return Err(DaemonError::Failed { reason, log: log.into() });
        }
        sleep(LOOK_EVERY).await;
    }
    Err(DaemonError::NoAnswer(log.into()))
}

fn spawn(
    data: &Path,
    program: &Path,
    arguments: &[OsString],
    log: &Path,
) -> Result<Child, DaemonError> {
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(log).map_err(at(log))?;
    let copy = |file: &File| file.try_clone().map_err(at(log));
    let (out, err) = (copy(&file)?, copy(&file)?);
    let mut command = Command::new(program);
    // The rack must not keep the folder that it happens to be started in from being removed.
    command.args(arguments).current_dir(data);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command.spawn().map_err(|error| DaemonError::Spawn(PathBuf::from(program), error))
}

fn last_line(log: &Path) -> Option<String> {
    let text = fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(last.strip_prefix("ERROR: ").unwrap_or(last).to_owned())
}

/// Ends the rack of this data folder, and with it its apps; returns when it is gone.
///
/// # Errors
/// Its process cannot be told to end, or does not.
pub async fn stop(data: &Path) -> Result<Stopped, DaemonError> {
    if !lock::is_held(data)? {
        return Ok(Stopped::WasNotRunning);
    }
    let pid = AddressFile::read(data)?.and_then(|file| file.living_pid());
    let Some(pid) = pid else {
        // It may have come to its end by itself meanwhile.
        return match lock::is_held(data)? {
            true => Err(DaemonError::Unknown(data.into())),
            false => Ok(Stopped::WasNotRunning),
        };
    };
    for (signal, limit, ending) in
        [(Signal::TERM, STOP, Stopped::Ended), (Signal::KILL, KILL, Stopped::Killed)]
    {
        send(pid, signal)?;
        if gone_within(data, limit).await? {
            return Ok(ending);
        }
    }
    Err(DaemonError::Stuck { pid, reason: "it is still there".to_owned() })
}

fn send(pid: i32, signal: Signal) -> Result<(), DaemonError> {
    let stuck = |reason: String| DaemonError::Stuck { pid, reason };
    let process = Pid::from_raw(pid).ok_or_else(|| stuck("that is no process".to_owned()))?;
    match kill_process(process, signal) {
        // Gone already: the lock will tell.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(stuck(error.to_string())),
    }
}

async fn gone_within(data: &Path, limit: Duration) -> Result<bool, DaemonError> {
    let deadline = Instant::now() + limit;
    while lock::is_held(data)? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(true)
}
