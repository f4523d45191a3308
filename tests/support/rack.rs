//! A development rack in this process.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use convox_devrack::clock::Clock;
use convox_devrack::runner::BaseEnvironment;
use convox_devrack::{Limits, RackError, RackOptions, serve};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::http::{Answered, request};
use super::waiting::PATIENCE;

/// The password of every rack in the tests; no output may ever contain it.
pub const PASSWORD: &str = "correct-horse-battery-staple";

/// One runtime for the racks of all tests.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime")
    })
}

/// What a rack is given in tests: as in life, but impatient.
pub fn rack_options(data: &Path, clock: Clock) -> RackOptions {
    let mut limits = Limits { builds: 2, ..Limits::default() };
    limits.processes.settle = Duration::from_millis(200);
    limits.processes.ready = PATIENCE;
    limits.processes.first_pause = Duration::from_millis(200);
    let home = data.as_os_str().to_owned();
    let environment = BaseEnvironment { path: path(), home, ..BaseEnvironment::default() };
    let password = SecretString::from(PASSWORD);
    RackOptions { data: data.to_owned(), password, clock, environment, limits, log_tap: None }
}

/// Where python3 and git are.
#[allow(clippy::disallowed_methods)] // the PATH of whoever runs the tests
pub fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// A rack that serves until it is dropped.
pub struct TestRack {
    pub port: u16,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<Result<(), RackError>>>,
}

impl TestRack {
    /// Serves on a free port.
    pub fn start(options: RackOptions) -> Self {
        Self::start_on(0, options)
    }

    /// Serves on this port.
    pub fn start_on(port: u16, options: RackOptions) -> Self {
        let listener = runtime().block_on(TcpListener::bind(("127.0.0.1", port)));
        let listener = listener.expect("a port for the rack");
        let port = listener.local_addr().expect("an address").port();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            // Dropped or sent: either way the test is over.
            let _ = stopped.await;
        };
        let served = runtime().spawn(serve(listener, options, shutdown));
        Self { port, stop: Some(stop), served: Some(served) }
    }

    /// The address with the password, as RACK_URL takes it.
    pub fn url(&self) -> String {
        format!("http://convox:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// Asks the rack past the program: `rack.ask("GET /apps", "")`.
    pub fn ask(&self, line: &str, form: &str) -> Answered {
        request(self.port, line, Some(PASSWORD), form).expect("the rack answers")
    }

    /// Asks for JSON.
    pub fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.ask(&format!("GET {path}"), "");
        serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{path}: {answer:?}"))
    }
}

impl Drop for TestRack {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(served) = self.served.take() else { return };
        let ended = runtime().block_on(async { tokio::time::timeout(PATIENCE, served).await });
        if !std::thread::panicking() {
            ended.expect("the rack ends").expect("no panic").expect("no failure");
        }
    }
}
