//! A development rack in a process of its own, which can be killed.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::PATIENCE;
use super::api::Api;
use super::process::{PROGRAM, path};
use super::rack::PASSWORD;
use super::upstream::Upstream;

/// A rack that can be killed and started again with its data.
pub(crate) struct Killable {
    pub(crate) api: Api,
    pub(crate) upstream: Upstream,
    data: TempDir,
    child: Mutex<Option<Child>>,
}

impl Killable {
    pub(crate) async fn begin() -> Self {
        let data = tempfile::tempdir().unwrap();
        let upstream = Upstream::Unix(data.path().join("rack.sock"));
        // Its socket needs no password.
        let api = Api::new(upstream.clone(), PASSWORD);
        let rack = Self { api, upstream, data, child: Mutex::new(None) };
        rack.start().await;
        rack
    }

    pub(crate) async fn start(&self) {
        let mut child = command(self.data.path()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap();
        let line = line.unwrap().unwrap_or_default();
        assert!(line.contains("is running"), "{line}");
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
