//! The rack as a process of its own: started, found and stopped by its data directory.
//!
//! The process that holds the lock file in that directory is the rack; the system releases the lock
//! however the process ends. The address file next to it contains the port and the password, which
//! survive restarts, and the id of the process.

mod background;
mod check;
mod file;
mod lock;
mod orphans;
mod space;

use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secrecy::SecretString;
use tokio::net::TcpListener;

use self::file::AddressFile;
use self::lock::Lock;
use super::connections::Listeners;
use super::error::RackError;
use super::gateway::loopback;
use super::logs::LogTap;
use super::rack::{Limits, RackOptions};
use super::runner::BaseEnvironment;
use super::serve::serve_on;
use super::{directories, local_socket};
use crate::clock::Clock;

pub use self::background::{Stopped, start_detached, stop};
pub use self::space::{disk_usage, prune};
pub use super::runner::Adoption;

/// Apps inherit the limit, and some programs look at each possible descriptor.
const MAX_OPEN_FILES: u64 = 16 * 1024;

/// The address of a rack and its credentials.
#[derive(Debug, Clone)]
pub struct Address {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// The password, valid with any user name.
    pub password: SecretString,
}

impl Address {
    /// Returns `http://127.0.0.1:PORT`, without the password.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// The state of a data directory's rack.
#[derive(Debug, Clone)]
pub enum Status {
    /// The rack is running and answers.
    Running {
        /// Its process id.
        pid: i32,
        /// Its address.
        address: Address,
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
    #[error(
        "a development rack is already running on {0}; `convox rack status` shows it, `convox rack stop` stops it"
    )]
    AlreadyRunning(PathBuf),
    /// A file or directory can't be used.
    #[error("{0} can't be used: {1}; set CONVOX_DATA to use another directory")]
    File(PathBuf, #[source] io::Error),
    /// The address file is invalid.
    #[error("{0} is invalid: {1}; remove it to get a new port and password")]
    Unreadable(PathBuf, #[source] serde_json::Error),
    /// No loopback port is available.
    #[error("no loopback port is available: {0}")]
    Port(#[source] io::Error),
    /// The rack itself failed.
    #[error(transparent)]
    Rack(#[from] RackError),
    /// The program can't be started in the background.
    #[error("{0} can't be started: {1}")]
    Spawn(PathBuf, #[source] io::Error),
    /// The program exited before it answered.
    #[error("the development rack did not start: {reason} (its log: {log})")]
    Failed {
        /// The last line of its log, or else its exit status.
        reason: String,
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

/// Creates the data directory (mode 0700) and the address file (mode 0600, with a free port and a
/// random password) if they are missing, and returns the address. Does not start a rack.
///
/// # Errors
/// Fails if the directory or the file can't be used.
pub fn prepare(data: &Path) -> Result<Address, DaemonError> {
    directories::create_data(data).map_err(at(data))?;
    let file = AddressFile::update(data, |_| ())?;
    Ok(file.address())
}

/// Returns the state of this data directory's rack. A directory that does not exist has none.
///
/// # Errors
/// Fails if the lock or the address file can't be read.
pub async fn status(data: &Path) -> Result<Status, DaemonError> {
    if !lock::is_locked(data)? {
        return Ok(match orphans::count(data)? {
            0 => Status::Stopped,
            processes => Status::Killed { processes },
        });
    }
    let Some(file) = AddressFile::read(data)? else {
        return Ok(Status::NotAnswering { pid: None });
    };
    let address = file.address();
    Ok(match file.living_pid() {
        Some(pid) if check::is_answering(data).await => Status::Running { pid, address },
        pid => Status::NotAnswering { pid },
    })
}

/// Returns the Unix-domain socket of this data directory's rack, which takes requests without a
/// password. `None` if the system can't connect to it by its path, which is too long.
pub fn socket(data: &Path) -> Option<PathBuf> {
    local_socket::connectable(data)
}

/// Serves the rack of a data directory in this process until `shutdown` resolves. Calls `ready`
/// with the address once connections are accepted, and `log_tap` with each line of the apps' logs.
///
/// # Errors
/// Fails if a rack is already running, or if the directory or a port can't be used.
pub async fn run(
    data: &Path,
    environment: BaseEnvironment,
    clock: Clock,
    limits: Limits,
    log_tap: Option<LogTap>,
    ready: impl FnOnce(&Address),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), DaemonError> {
    directories::create_data(data).map_err(at(data))?;
    let held = Lock::hold(data).await?;
    let wanted = AddressFile::update(data, |_| ())?;
    let listener = listen(wanted.port).await.map_err(DaemonError::Port)?;
    let port = listener.local_addr().map_err(DaemonError::Port)?.port();
    let address = AddressFile::update(data, |file| file.serve_on(port))?.address();
    let unix = local_socket::bind(data).map_err(at(data))?;
    ready(&address);
    let password = address.password.clone();
    let data_dir = data.to_owned();
    let options = RackOptions { data: data_dir, password, clock, environment, limits, log_tap };
    serve_on(Listeners { tcp: listener, unix: Some(unix) }, options, shutdown).await?;
    local_socket::remove(data).map_err(at(data))?;
    AddressFile::update(data, AddressFile::clear_process)?;
    drop(held);
    Ok(())
}

/// Binds the previous port, or a free one if another program has taken it.
async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(loopback(port)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(loopback(0)).await
        }
        other => other,
    }
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
