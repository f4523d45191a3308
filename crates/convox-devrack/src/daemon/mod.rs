//! The rack as a program of its own: found, started, and ended by way of its data folder.
//!
//! Whoever holds the lock file there is the rack; the system releases it with the process, however
//! that ends. The address file next to it has port and password, kept over restarts, and the
//! process that serves.

mod background;
mod check;
mod file;
mod lock;

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::file::AddressFile;
use self::lock::Lock;
use super::error::RackError;
use super::gateway::loopback;
use super::rack::{Limits, RackOptions};
use super::runner::BaseEnvironment;
use super::{directories, serve};
use crate::clock::Clock;

pub use self::background::{Stopped, start_detached, stop};

/// Where a rack answers, and what it wants to hear.
#[derive(Debug, Clone)]
pub struct Address {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Its password, with any user's name.
    pub password: SecretString,
}

impl Address {
    /// `http://127.0.0.1:PORT`, without the password.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// What a data folder's rack is doing.
#[derive(Debug, Clone)]
pub enum Status {
    /// It answers.
    Running {
        /// Its process.
        pid: i32,
        /// Where.
        address: Address,
    },
    /// Its process is there, but does not answer: it starts, it ends, or it hangs.
    NotAnswering {
        /// Its process, where it has said so by now.
        pid: Option<i32>,
    },
    /// There is none.
    Stopped,
}

/// Why a rack could not be started, found or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// One is running already.
    #[error(
        "a development rack is already running on {0}; `convox rack status` shows it, `convox rack stop` ends it"
    )]
    AlreadyRunning(PathBuf),
    /// A file or folder cannot be used.
    #[error("{0} can't be used: {1}; CONVOX_DATA names another folder for the rack")]
    File(PathBuf, #[source] io::Error),
    /// The address file is not what this program wrote.
    #[error("{0}: {1}; remove it, and the rack takes a new port and password")]
    Unreadable(PathBuf, #[source] serde_json::Error),
    /// No port can be had.
    #[error("no loopback port for the rack: {0}")]
    Port(#[source] io::Error),
    /// The rack itself.
    #[error(transparent)]
    Rack(#[from] RackError),
    /// The program could not be started in the background.
    #[error("{0} cannot be started: {1}")]
    Spawn(PathBuf, #[source] io::Error),
    /// It ended while it was waited for.
    #[error("the development rack did not start: {reason} (its log: {log})")]
    Failed {
        /// The last line of its log, or how it ended.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
    /// It is there, but has not answered in time.
    #[error("the development rack does not answer (its log: {0})")]
    NoAnswer(PathBuf),
    /// It is there, but which process it is cannot be told.
    #[error("the development rack on {0} cannot be ended: its process is not known; try again")]
    Unknown(PathBuf),
    /// It could not be told to end, or did not.
    #[error("the development rack (process {pid}) cannot be ended: {reason}")]
    Stuck {
        /// Its process.
        pid: i32,
        /// Why.
        reason: String,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DaemonError {
    let path = path.to_owned();
    |error| DaemonError::File(path, error)
}

/// Makes the data folder (0700) and, where there is none, the address file (0600) with a free port
/// and a random password; gives the address. Nothing is started.
///
/// # Errors
/// The folder or the file cannot be used.
pub fn prepare(data: &Path) -> Result<Address, DaemonError> {
    directories::create_data(data).map_err(at(data))?;
    let file = AddressFile::keep(data, |_| ())?;
    Ok(file.address())
}

/// What the rack of this data folder is doing. A folder that is not there has none.
///
/// # Errors
/// Lock or address file cannot be read.
pub async fn status(data: &Path) -> Result<Status, DaemonError> {
    if !lock::is_held(data)? {
        return Ok(Status::Stopped);
    }
    let Some(file) = AddressFile::read(data)? else {
        return Ok(Status::NotAnswering { pid: None });
    };
    let address = file.address();
    Ok(match file.living_pid() {
        Some(pid) if check::answers(address.port).await => Status::Running { pid, address },
        pid => Status::NotAnswering { pid },
    })
}

/// Serves the rack of a data folder in this process until `shutdown`. `ready` is called with its
/// address once connections are taken.
///
/// # Errors
/// One is running already, or the folder or a port cannot be had.
pub async fn run(
    data: &Path,
    environment: BaseEnvironment,
    clock: Clock,
    limits: Limits,
    ready: impl FnOnce(&Address),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), DaemonError> {
    directories::create_data(data).map_err(at(data))?;
    let held = Lock::hold(data).await?;
    let wanted = AddressFile::keep(data, |_| ())?;
    let listener = listen(wanted.port).await.map_err(DaemonError::Port)?;
    let port = listener.local_addr().map_err(DaemonError::Port)?.port();
    let address = AddressFile::keep(data, |file| file.serve_on(port))?.address();
    ready(&address);
    let password = address.password.clone();
    let options = RackOptions { data: data.to_owned(), password, clock, environment, limits };
    let served = serve(listener, options, shutdown).await;
    drop(held);
    Ok(served?)
}

/// The port that it had before; a free one, if another program has taken that.
async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(loopback(port)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(loopback(0)).await
        }
        other => other,
    }
}

/// Waits until this process is asked to end: by TERM, or by Ctrl-C.
///
/// # Errors
/// The system's, when the signals cannot be watched.
pub async fn asked_to_stop() -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => (),
        _ = interrupt.recv() => (),
    }
    Ok(())
}

/// Leaves the session of the terminal, so that the rack outlives it. To be called first thing in
/// the process that [`start_detached`] starts.
///
/// # Errors
/// The process leads a group already.
pub fn detach_self() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

#[cfg(test)]
mod tests;
