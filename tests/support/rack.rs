//! A development rack in this process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use convox_devrack::clock::Clock;
use convox_devrack::runner::BaseEnvironment;
use convox_devrack::{Limits, RackError, RackOptions, serve};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::api::Api;
use super::http::StatusAndBody;
use super::process::{SIGNALS_ARE_IGNORED, path};
use super::waiting::PATIENCE;

/// The password of every rack in the tests; no output may ever contain it.
pub const PASSWORD: &str = "correct-horse-battery-staple";

/// One runtime for the racks and mock servers of all tests.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        if *SIGNALS_ARE_IGNORED {
            runtime.block_on(async { handle_signals() });
        }
        runtime
    })
}

/// Handles the signals that these tests ignore, as a rack of its own does: what is handled is not
/// ignored by the processes that the racks start.
fn handle_signals() {
    for kind in [SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()] {
        // The handler stays when this is dropped.
        drop(signal(kind).expect("a handler"));
    }
}

/// The options of a rack for tests: the defaults with shorter waits.
pub fn rack_options(data: &Path, clock: Clock) -> RackOptions {
    let mut limits = Limits { builds: 2, ..Limits::default() };
    limits.processes.settle = Duration::from_millis(200);
    limits.processes.ready = PATIENCE;
    limits.processes.first_pause = Duration::from_millis(200);
    let home = data.as_os_str().to_owned();
    let servers = convox_devrack::server_directories();
    let environment = BaseEnvironment { path: path(), home, servers, ..BaseEnvironment::default() };
    let password = SecretString::from(PASSWORD);
    RackOptions { data: data.to_owned(), password, clock, environment, limits, log_tap: None }
}

/// A rack that serves until it is dropped.
pub struct TestRack {
    pub port: u16,
    pub(crate) address: SocketAddr,
    pub(crate) api: Api,
    stop: Option<oneshot::Sender<()>>,
    served: Mutex<Receiver<Result<(), RackError>>>,
    // Removed after the rack has stopped.
    data: Option<TempDir>,
}

impl TestRack {
    /// Serves on a free port.
    pub fn start(options: RackOptions) -> Self {
        Self::start_on(0, options)
    }

    /// Serves on this port.
    pub fn start_on(port: u16, options: RackOptions) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port for the rack");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let (ended, served) = channel();
        runtime().spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            // Dropped or sent: either way the test is over.
            let shutdown = async { drop(stopped.await) };
            // Nobody waits for the end if the test has failed.
            let _ = ended.send(serve(listener, options, shutdown).await);
        });
        let api = Api::new(address, PASSWORD);
        Self {
            port: address.port(),
            address,
            api,
            stop: Some(stop),
            served: Mutex::new(served),
            data: None,
        }
    }

    /// Serves on a free port, from a directory of its own, in even less time: for tests that run
    /// many commands at once and never look at how an app settles.
    pub(crate) fn temporary() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut options = rack_options(data.path(), Clock::system());
        options.limits.builds = 16;
        options.limits.processes.settle = Duration::from_millis(60);
        options.limits.rollback = Duration::from_millis(100);
        let mut rack = Self::start(options);
        rack.data = Some(data);
        rack
    }

    /// The address with the password, as RACK_URL takes it.
    pub fn url(&self) -> String {
        format!("http://convox:{PASSWORD}@{}", self.address)
    }

    /// Sends a request without the program: `rack.send("DELETE /apps/web", "")`.
    pub fn send(&self, line: &str, form: &str) -> StatusAndBody {
        runtime().block_on(self.api.send(line, form))
    }

    /// Returns the JSON at a path.
    pub fn json(&self, path: &str) -> serde_json::Value {
        runtime().block_on(self.api.get(path))
    }
}

impl Drop for TestRack {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.served.get_mut().unwrap().recv_timeout(PATIENCE);
        if !std::thread::panicking() {
            ended.expect("the end of the rack").expect("no failure");
        }
    }
}
