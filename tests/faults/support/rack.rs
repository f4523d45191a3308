//! Development racks: in process, or as a program that can be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use convox_devrack::clock::Clock;
use convox_devrack::runner::BaseEnvironment;
use convox_devrack::{Limits, RackOptions, daemon, serve};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

use super::api::Api;
use super::port::Port;
use super::{PATIENCE, path_variable};

/// Found nowhere else: it must not be found in any output either.
pub(crate) const PASSWORD: &str = "kept-s3cret-0f-this-rack";

/// A rack that serves in process.
pub(crate) struct Rack {
    pub(crate) api: Api,
    pub(crate) address: SocketAddr,
    _data: TempDir,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Rack {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut limits = Limits { builds: 16, ..Limits::default() };
        limits.processes.settle = Duration::from_millis(60);
        limits.rollback = Duration::from_millis(100);
        let environment = BaseEnvironment {
            path: path_variable(),
            home: "/".into(),
            ..BaseEnvironment::default()
        };
        let options = RackOptions {
            data: data.path().to_owned(),
            password: SecretString::from(PASSWORD),
            clock: Clock::system(),
            environment,
            limits,
            log_tap: None,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serve(listener, options, stopped).await.unwrap();
        });
        let api = Api::new(address, PASSWORD);
        Self { api, address, _data: data, stop, served }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.served).await.unwrap().unwrap();
    }
}

/// A rack in a process of its own, which may be killed and started again.
pub(crate) struct Killable {
    pub(crate) api: Api,
    pub(crate) address: SocketAddr,
    data: TempDir,
    _port: Port,
    child: Mutex<Option<Child>>,
}

impl Killable {
    pub(crate) async fn begin() -> Self {
        let (data, port, password) = loop {
            let data = tempfile::tempdir().unwrap();
            let address = daemon::prepare(data.path()).unwrap();
            // Somebody may have taken it since.
            if let Ok(port) = Port::of(address.port) {
                break (data, port, address.password.expose_secret().to_owned());
            }
        };
        let address = port.address;
        let api = Api::new(address, &password);
        let rack = Self { api, address, data, _port: port, child: Mutex::new(None) };
        rack.start().await;
        rack
    }

    pub(crate) async fn start(&self) {
        let mut child = command(self.data.path()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap();
        let line = line.unwrap().unwrap_or_default();
        assert!(line.contains(&format!(":{};", self.address.port())), "{line}");
        *self.child.lock().await = Some(child);
    }

    pub(crate) async fn kill(&self) {
        let mut child = self.child.lock().await.take().unwrap();
        child.kill().await.unwrap();
    }

    /// Ends it and its apps.
    pub(crate) async fn stop(&self) {
        let Some(mut child) = self.child.lock().await.take() else { return };
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    }
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convox"));
    command
        .args(["rack", "start"])
        .env_clear()
        .env("PATH", path_variable())
        .env("HOME", data)
        .env("CONVOX_DATA", data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    command
}
