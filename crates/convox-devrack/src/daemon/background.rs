//! Starting a rack in the background, and stopping it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::lock::{self, Lock};
use super::record::Record;
use super::{Address, DaemonError, Status, at, orphans, status};
use crate::directories;

/// A rack usually answers at once, but a slow disk can delay the opening of the database.
const START: Duration = Duration::from_secs(30);
/// Clients and builds get 5 s to finish, then apps 10 s after TERM.
const STOP: Duration = Duration::from_secs(40);
const KILL: Duration = Duration::from_secs(10);
/// Between the last change of the record and the exit.
const EXIT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The outcome of [`stop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The rack shut down.
    Ended,
    /// The rack had to be killed.
    Killed,
    /// No rack was running.
    WasNotRunning,
    /// No rack was running: it had been killed, and the processes that it left were stopped.
    Orphans {
        /// Their number.
        processes: usize,
    },
}

/// Starts `program` with `arguments` as the rack of this data directory, in the background, and
/// waits until it answers. The program must call [`super::detach_self`] and then [`super::run`].
/// Its output is appended to `log` (mode 0600). If a rack is already running or being started, that
/// one is used. Returns the address of the rack, if it listens on one besides its socket.
///
/// # Errors
/// Fails if the program can't be started, exits, or does not answer within 30 s.
pub async fn start_detached(
    data: &Path,
    program: &Path,
    arguments: &[OsString],
    log: &Path,
) -> Result<Option<Address>, DaemonError> {
    let data = &std::path::absolute(data).map_err(at(data))?;
    directories::create_data(data).map_err(at(data))?;
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
        // A program that exited because another rack was faster is not a failure: that rack will
        // answer.
        if let Ok(Some(ended)) = child.try_wait()
            && !lock::is_locked(data)?
        {
            return Err(failure(log, ended));
        }
        sleep(POLL_INTERVAL).await;
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
    options.create(true).append(true).mode(0o600).custom_flags(directories::NO_LINK);
    let file = options.open(log).map_err(at(log))?;
    let copy = |file: &File| file.try_clone().map_err(at(log));
    let (out, err) = (copy(&file)?, copy(&file)?);
    super::close_on_exec();
    let mut command = Command::new(program);
    // The rack must not keep the directory that it happens to be started in busy.
    command.args(arguments).current_dir(data).env("CONVOX_DATA", data);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command.spawn().map_err(|error| DaemonError::Spawn(PathBuf::from(program), error))
}

/// Finds out from its log why a rack has ended.
fn failure(log: &Path, ended: ExitStatus) -> DaemonError {
    // A log that can't be read says nothing.
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut last = text.lines().rev().filter(|line| !line.trim().is_empty()).peekable();
    let mut advice = Vec::new();
    while let Some(hint) = last.next_if(|line| line.starts_with("HINT: ")) {
        advice.insert(0, hint.trim_start_matches("HINT: ").to_owned());
    }
    let reason = last.next().map(|line| line.strip_prefix("ERROR: ").unwrap_or(line).to_owned());
    let reason = reason.unwrap_or_else(|| ended.to_string());
    DaemonError::Failed { reason, advice, log: log.into() }
}

/// Stops the rack of this data directory and its apps, and returns once they are gone. If the rack
/// was killed, stops the processes that it left running.
///
/// # Errors
/// Fails if the process can't be signalled or does not exit.
pub async fn stop(data: &Path) -> Result<Stopped, DaemonError> {
    let stopped = stop_rack(data).await?;
    let processes = orphans::stop(data).await?;
    match stopped {
        Stopped::WasNotRunning if processes > 0 => Ok(Stopped::Orphans { processes }),
        other => Ok(other),
    }
}

async fn stop_rack(data: &Path) -> Result<Stopped, DaemonError> {
    if !lock::is_locked(data)? {
        return Ok(Stopped::WasNotRunning);
    }
    let Some(pid) = Record::read(data)?.and_then(|record| record.living_pid()) else {
        // It may be about to exit.
        return match gone_within(data, EXIT).await? {
            true => Ok(Stopped::WasNotRunning),
            false => Err(DaemonError::Unknown(data.into())),
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
    Err(DaemonError::Stuck { pid, reason: "it did not exit after SIGKILL".to_owned() })
}

fn send(pid: i32, signal: Signal) -> Result<(), DaemonError> {
    let stuck = |reason: String| DaemonError::Stuck { pid, reason };
    let process = Pid::from_raw(pid).ok_or_else(|| stuck("invalid process id".to_owned()))?;
    match kill_process(process, signal) {
        // It has exited already, which the lock will show.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(stuck(error.to_string())),
    }
}

async fn gone_within(data: &Path, limit: Duration) -> Result<bool, DaemonError> {
    let deadline = Instant::now() + limit;
    while lock::is_locked(data)? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(POLL_INTERVAL).await;
    }
    Ok(true)
}
