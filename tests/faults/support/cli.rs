//! The program, run as a person would, with small time limits.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::pty::Pty;
use super::{PATIENCE, path_variable};

/// The usual limits, each about a twentieth of what it is.
pub(crate) const LIMITS: [(&str, &str); 11] = [
    ("CONVOX_CONNECT_TIMEOUT", "3s"),
    ("CONVOX_READ_TIMEOUT", "3s"),
    ("CONVOX_CHANGE_TIMEOUT", "4s"),
    ("CONVOX_STALL_TIMEOUT", "3s"),
    ("CONVOX_PING_INTERVAL", "300ms"),
    ("CONVOX_SOCKET_TIMEOUT", "5s"),
    ("CONVOX_LOOK_TIME", "600ms"),
    ("CONVOX_FIRST_CONTACT_TIME", "4s"),
    ("CONVOX_RETRY", "20"),
    ("CONVOX_LOG_GRACE", "1s"),
    ("CONVOX_POLL_INTERVAL", "40ms"),
];

/// A run that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// The exit code; `None` for a run that was killed.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: std::time::Duration,
}

/// A run that goes on.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) out: Stream,
    pub(crate) err: Stream,
    started: std::time::Instant,
}

pub(crate) struct Cli {
    command: Command,
}

impl Cli {
    pub(crate) fn new(args: &[&str], home: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_convox"));
        command
            .args(args)
            .env_clear()
            .env("PATH", path_variable())
            .env("HOME", home)
            .env("TEST", "true")
            .envs(LIMITS)
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self { command }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With the rack at this address.
    pub(crate) fn at(self, address: impl std::fmt::Display, password: &str) -> Self {
        self.env("RACK_URL", &format!("http://convox:{password}@{address}"))
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap();
        let out = Stream::of(child.stdout.take().unwrap());
        let err = Stream::of(child.stderr.take().unwrap());
        Running { child, out, err, started: std::time::Instant::now() }
    }

    /// Starts it on a terminal.
    pub(crate) fn on(mut self, pty: &Pty) -> Child {
        self.command.stdin(pty.theirs()).stdout(pty.theirs()).stderr(pty.theirs());
        self.command.env("TERM", "xterm").spawn().unwrap()
    }

    pub(crate) async fn run(self) -> Output {
        self.start().end().await
    }
}

impl Running {
    pub(crate) async fn end(mut self) -> Output {
        let code = match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.unwrap().code(),
            Err(_) => {
                self.child.kill().await.unwrap();
                None
            }
        };
        let took = self.started.elapsed();
        Output { code, out: self.out.whole().await, err: self.err.whole().await, took }
    }
}

/// What a program writes, as it does.
pub(crate) struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    grown: watch::Receiver<usize>,
    reading: JoinHandle<()>,
}

impl Stream {
    fn of(mut from: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (grow, grown) = watch::channel(0);
        let to = text.clone();
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                to.lock().unwrap().extend_from_slice(&buffer[..count]);
                grow.send_modify(|grown| *grown += count);
            }
        });
        Self { text, grown, reading }
    }

    pub(crate) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// Waits until what was written is enough; false if it ended before that.
    pub(crate) async fn until(&mut self, enough: impl Fn(&str) -> bool) -> bool {
        loop {
            self.grown.mark_unchanged();
            if enough(&self.so_far()) {
                return true;
            }
            if self.grown.changed().await.is_err() {
                return enough(&self.so_far());
            }
        }
    }

    async fn whole(self) -> String {
        self.reading.await.unwrap();
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }
}
