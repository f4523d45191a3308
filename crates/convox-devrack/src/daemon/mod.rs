//! The rack as a process of its own: started, found and stopped by its data directory.
//!
//! The process that holds the lock file in that directory is the rack; the system releases the lock
//! however the process ends. A record next to it contains the id of the process. Clients reach the
//! rack by a Unix-domain socket in the directory, and by TCP only if that was asked for.

mod background;
mod check;
mod lock;
mod orphans;
mod record;
mod recover;
mod space;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secrecy::SecretString;
use tokio::net::TcpListener;

use self::lock::Lock;
use self::record::Record;
use super::connections::Listeners;
use super::error::RackError;
use super::logs::LogTap;
use super::rack::{Limits, RackOptions};
use super::runner::{BaseEnvironment, Cgroup};
use super::serve::serve_on;
use super::{directories, ids, local_socket};
use crate::clock::Clock;

pub use self::background::{Stopped, start_detached, stop};
pub use self::recover::{Recovered, recover, recover_step};
pub use self::space::{disk_usage, prune};
pub use super::runner::Adoption;
pub use super::store::{Salvaged, Step, UnknownStep};

/// Apps inherit the limit, and some programs look at each possible descriptor.
const MAX_OPEN_FILES: u64 = 16 * 1024;

/// The TCP address of a rack and its credentials, both as long as the rack runs.
#[derive(Debug, Clone)]
pub struct Address {
    /// The loopback address and the port.
    pub socket: SocketAddr,
    /// The password, valid with any user name.
    pub password: SecretString,
}

impl Address {
    /// Returns `http://127.0.0.1:PORT`, without the password.
    pub fn url(&self) -> String {
        format!("http://{}", self.socket)
    }
}

/// What a rack is started with.
pub struct StartOptions {
    /// Variables for builds and processes.
    pub environment: BaseEnvironment,
    /// The clock.
    pub clock: Clock,
    /// Time limits and sizes.
    pub limits: Limits,
    /// A loopback address to listen on besides the socket, for clients that can't use the socket;
    /// with port 0, any free port. The password is a new one at each start.
    pub listen: Option<SocketAddr>,
    /// Receives each line of the apps' logs.
    pub log_tap: Option<LogTap>,
    /// Ends what apps and builds have left behind before the rack counts as stopped.
    pub adoption: Option<Adoption>,
}

/// The state of a data directory's rack.
#[derive(Debug, Clone)]
pub enum Status {
    /// The rack is running and answers.
    Running {
        /// Its process id.
        pid: i32,
        /// Where it listens besides its socket.
        address: Option<Address>,
    },
    /// The process exists but does not answer: it is starting, stopping or stuck.
    NotAnswering {
        /// Its process id, if it has been recorded.
        pid: Option<i32>,
    },
    /// No rack is running.
    Stopped,
    /// No rack is running: it was killed, and left processes running. [`stop`] and the next rack
    /// stop them.
    Killed {
        /// The number of services and build steps that are still running.
        processes: usize,
    },
}

/// Why a rack can't be started, found or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// A rack is already running.
    #[error("a development rack is already running on {0}")]
    AlreadyRunning(PathBuf),
    /// A file or directory can't be used.
    #[error("{0} can't be used: {1}")]
    File(PathBuf, #[source] io::Error),
    /// The record of the process is invalid.
    #[error("{0} is invalid: {1}")]
    Unreadable(PathBuf, #[source] serde_json::Error),
    /// The address to listen on is not available.
    #[error("the development rack can't listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The system has no random numbers for a password.
    #[error("no password can be made: {0}")]
    Password(#[source] io::Error),
    /// The rack itself failed.
    #[error(transparent)]
    Rack(#[from] RackError),
    /// The program can't be started in the background.
    #[error("{0} can't be started: {1}")]
    Spawn(PathBuf, #[source] io::Error),
    /// The program exited before it answered.
    #[error("the development rack did not start: {reason} (its log: {log})")]
    Failed {
        /// The last error in its log, or else its last line or its exit status.
        reason: String,
        /// What its log advises about the error.
        advice: Vec<String>,
        /// The path of its log.
        log: PathBuf,
    },
    /// The rack did not answer in time.
    #[error("the development rack does not answer (its log: {0})")]
    NoAnswer(PathBuf),
    /// A request to the rack failed.
    #[error("the development rack: {0}")]
    Request(#[source] io::Error),
    /// The rack is running, but its process id is unknown.
    #[error("the development rack on {0} can't be stopped: its process is unknown; try again")]
    Unknown(PathBuf),
    /// The rack can't be stopped.
    #[error("the development rack (process {pid}) can't be stopped: {reason}")]
    Stuck {
        /// Its process id.
        pid: i32,
        /// Why.
        reason: String,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DaemonError {
    let path = path.to_owned();
    |error| DaemonError::File(path, error)
}

/// Returns the state of this data directory's rack. A directory that does not exist has none.
///
/// # Errors
/// Fails if the lock or the record can't be read.
pub async fn status(data: &Path) -> Result<Status, DaemonError> {
    if !lock::is_locked(data)? {
        return Ok(match orphans::count(data)? {
            0 => Status::Stopped,
            processes => Status::Killed { processes },
        });
    }
    let Some(record) = Record::read(data)? else {
        return Ok(Status::NotAnswering { pid: None });
    };
    Ok(match record.living_pid() {
        Some(pid) if check::is_answering(data).await => {
            Status::Running { pid, address: record.address() }
        }
        pid => Status::NotAnswering { pid },
    })
}

/// Returns whether the rack of this data directory has ended without being stopped, as by a kill or
/// a crash.
///
/// # Errors
/// Fails if the lock or the record can't be read.
pub fn has_died(data: &Path) -> Result<bool, DaemonError> {
    Ok(!lock::is_locked(data)? && Record::read(data)?.is_some_and(|record| record.has_process()))
}

/// Returns a path by which this process can connect to the Unix-domain socket of this data
/// directory's rack, which takes requests without a password.
///
/// # Errors
/// Fails if the path is longer than the system allows for a socket and there is no `/proc`.
pub fn socket(data: &Path) -> Result<PathBuf, DaemonError> {
    local_socket::connectable(data).map_err(at(data))
}

/// Serves the rack of a data directory in this process until `shutdown` resolves. Calls `ready`
/// once connections are accepted, with the address if it listens on one.
///
/// # Errors
/// Fails if a rack is already running, or if the directory or the address can't be used.
pub async fn run(
    data: &Path,
    options: StartOptions,
    ready: impl FnOnce(Option<&Address>),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), DaemonError> {
    let StartOptions { environment, clock, limits, listen, log_tap, adoption } = options;
    let grace = limits.processes.stop;
    directories::create_data(data).map_err(at(data))?;
    let held = Lock::hold(data).await?;
    let password: SecretString = ids::hex::<20>().map_err(DaemonError::Password)?.into();
    let bound = match listen {
        Some(address) => Some(bind(address, &password).await?),
        None => None,
    };
    let (tcp, address) = bound.unzip();
    let left = orphans::cgroups(data);
    // A program that does something else besides is not moved.
    let cgroup = adoption.as_ref().and_then(|_| Cgroup::enter());
    let cgroups: Vec<Cgroup> = left.iter().chain(&cgroup).cloned().collect();
    Record::of_this_process(address.as_ref(), &cgroups).write(data)?;
    let ending = tokio::spawn(orphans::end_cgroups(left, grace));
    let unix = local_socket::bind(data).map_err(at(data))?;
    ready(address.as_ref());
    let options =
        RackOptions { data: data.to_owned(), password, clock, environment, limits, log_tap };
    let served = serve_on(Listeners { tcp, unix: Some(unix) }, options, shutdown).await;
    if let Some(adoption) = adoption {
        adoption.end(grace).await;
    }
    // A panic there is reported by the runtime.
    let _ = ending.await;
    if let Some(cgroup) = cgroup {
        cgroup.leave();
    }
    served?;
    local_socket::remove(data).map_err(at(data))?;
    Record::stopped().write(data)?;
    drop(held);
    Ok(())
}

async fn bind(
    address: SocketAddr,
    password: &SecretString,
) -> Result<(TcpListener, Address), DaemonError> {
    if !address.ip().is_loopback() {
        return Err(RackError::NotLoopback(address).into());
    }
    let failed = |error| DaemonError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let socket = listener.local_addr().map_err(failed)?;
    Ok((listener, Address { socket, password: password.clone() }))
}

/// Keeps the descriptors that this process has inherited, such as locks and pipes of a script, from
/// the processes that it starts.
pub fn close_on_exec() {
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
}

/// Raises this process's limit of open files, as far as the system allows and a rack needs. Some
/// systems allow 256 by default.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(MAX_OPEN_FILES, |maximum| maximum.min(MAX_OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        // The rack works with fewer, too.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
    }
}

/// Moves this process to a session of its own, so that it outlives the terminal. To be called first
/// thing in the process that [`start_detached`] starts.
///
/// # Errors
/// Fails if the process is already a group leader.
pub fn detach_self() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

#[cfg(test)]
mod tests;
