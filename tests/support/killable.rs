//! A development rack in a process of its own, which can be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use convox_devrack::daemon;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::PATIENCE;
use super::api::Api;
use super::port::Port;
use super::process::{PROGRAM, path};

/// A rack that can be killed and started again, with its port and its data.
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
            // Another process may have taken the port since.
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

    /// Stops it and its apps.
    pub(crate) async fn stop(&self) {
        let Some(mut child) = self.child.lock().await.take() else { return };
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    }
}

fn command(data: &Path) -> Command {
    let mut command = Command::from(super::process::command(PROGRAM));
    command.args(["rack", "start"]).env("PATH", path()).env("HOME", data).env("CONVOX_DATA", data);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    command
}
