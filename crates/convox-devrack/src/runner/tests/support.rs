//! A runner with a temporary directory and a store that can outlive it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::manifest::Manifest;
use crate::runner::context::{PortSource, free_port};
use crate::runner::*;
use convox_wire::ProcessId;

/// Listens on PORT and answers every connection with the value of TEXT.
pub(super) const SERVER: &str = "\
import os, socket
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', int(os.environ['PORT'])))
server.listen()
print('listening', flush=True)
while True:
    client, _ = server.accept()
    client.sendall(os.environ.get('TEXT', '').encode())
    client.close()
";

/// One service with a port.
pub(super) const WEB: &str =
    "services: {web: {command: python3 server.py, port: 3000, environment: [TEXT=default]}}";

/// A limit for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct TestRunner {
    pub(super) root: TempDir,
    pub(super) store: Arc<MemoryStore>,
    pub(super) log: Arc<Mutex<Vec<(String, String)>>>,
    pub(super) runner: Runner,
}

impl TestRunner {
    pub(super) fn new() -> Self {
        Self::with(limits(), Arc::new(free_port))
    }

    pub(super) fn with(limits: Limits, ports: PortSource) -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Arc::new(MemoryStore::default());
        let log = Arc::new(Mutex::new(Vec::new()));
        let runner = runner(&root, &store, &log, limits, ports);
        Self { root, store, log, runner }
    }

    /// Replaces the runner by a new one with the same data, as a restarted rack has it.
    pub(super) fn restart(&mut self) {
        self.runner = runner(&self.root, &self.store, &self.log, limits(), Arc::new(free_port));
    }

    pub(super) fn deployment(
        &self,
        release: &str,
        manifest: &str,
        environment: &str,
    ) -> Deployment {
        let source = self.root.path().join(format!("source-{release}"));
        std::fs::create_dir_all(&source).unwrap();
        std::fs::write(source.join("server.py"), SERVER).unwrap();
        let environment = Environment::parse(environment);
        Deployment {
            app: app(),
            release: release.parse().unwrap(),
            build: "BXFGHCQLZGQ".parse().unwrap(),
            build_description: "a test".into(),
            source,
            manifest: Manifest::parse(manifest, &environment).unwrap(),
            environment,
            counts: BTreeMap::new(),
            resources: Default::default(),
        }
    }

    pub(super) async fn promote(&self, deployment: Deployment) -> Result<(), PromoteFailure> {
        self.runner.promote(deployment, CancellationToken::new()).await
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.runner.address(&app(), &web()).unwrap()
    }

    pub(super) async fn ask(&self) -> String {
        ask(self.address()).await
    }

    /// Returns `service status` for every process.
    pub(super) fn statuses(&self) -> Vec<String> {
        let processes = self.runner.processes(&app());
        processes.iter().map(|process| format!("{} {}", process.name, process.status)).collect()
    }

    pub(super) fn only_process(&self) -> Process {
        let mut processes = self.runner.processes(&app());
        assert_eq!(processes.len(), 1, "{processes:?}");
        processes.remove(0)
    }

    /// Returns the names of the existing copies of the source.
    pub(super) fn copies(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.running()) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) fn running(&self) -> PathBuf {
        self.root.path().join("running")
    }

    pub(super) fn lines(&self, stream: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|(at, _)| at.starts_with(stream)).map(|(_, line)| line.clone()).collect()
    }

    pub(super) fn logged(&self, part: &str) -> bool {
        self.lines("system/").iter().any(|line| line.contains(part))
    }
}

fn runner(
    root: &TempDir,
    store: &Arc<MemoryStore>,
    log: &Arc<Mutex<Vec<(String, String)>>>,
    limits: Limits,
    ports: PortSource,
) -> Runner {
    let log = Arc::clone(log);
    let parts = RunnerParts {
        data: root.path().to_owned(),
        store: Arc::<MemoryStore>::clone(store),
        log: Arc::new(move |of, stream, line| {
            assert_eq!(of, &app());
            log.lock().unwrap().push((stream.to_owned(), line.to_owned()));
        }),
        base: base(),
        limits,
        clock: Clock::system(),
    };
    Runner::with_ports(parts, ports)
}

/// Limits with which failures are quick and successes have enough time.
pub(super) fn limits() -> Limits {
    Limits {
        drain: Duration::from_secs(30),
        settle: Duration::from_millis(300),
        first_pause: Duration::from_millis(50),
        ..Limits::default()
    }
}

/// The variables that programs need.
#[allow(clippy::disallowed_methods)] // tests have no settings
pub(crate) fn base() -> BaseEnvironment {
    let of = |key: &str| std::env::var_os(key).unwrap_or_default();
    BaseEnvironment {
        path: of("PATH"),
        home: of("HOME"),
        lang: Some("C.UTF-8".into()),
        tmpdir: None,
        build: Vec::new(),
        servers: Vec::new(),
    }
}

pub(super) fn app() -> AppName {
    "shop".parse().unwrap()
}

pub(super) fn web() -> ServiceName {
    "web".parse().unwrap()
}

/// Returns the service's answer to a new connection; empty if it does not answer.
pub(super) async fn ask(address: SocketAddr) -> String {
    let mut answer = String::new();
    if let Ok(mut socket) = TcpStream::connect(address).await {
        // What came before a failure counts.
        let _ = socket.read_to_string(&mut answer).await;
    }
    answer
}

/// Waits until a condition holds, and panics after a while.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "timed out: {what}");
}

/// Returns whether a process with this pid is running. Zombies don't count.
pub(crate) fn is_running(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    match stat {
        Ok(stat) => !stat[stat.rfind(')').unwrap()..].starts_with(") Z"),
        Err(_) if std::path::Path::new("/proc/self").exists() => false,
        Err(_) => {
            rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid).unwrap()).is_ok()
        }
    }
}

/// A store in memory.
#[derive(Default)]
pub(crate) struct MemoryStore {
    pub(crate) ports: Mutex<HashMap<(AppName, ServiceName), u16>>,
    pub(crate) records: Mutex<Vec<ProcessRecord>>,
}

impl RunnerStore for MemoryStore {
    fn gateway_port(&self, app: &AppName, service: &ServiceName) -> Option<u16> {
        self.ports.lock().unwrap().get(&(app.clone(), service.clone())).copied()
    }

    fn keep_gateway_port(&self, app: &AppName, service: &ServiceName, port: u16) {
        self.ports.lock().unwrap().insert((app.clone(), service.clone()), port);
    }

    fn keep_process(&self, process: ProcessRecord) {
        self.records.lock().unwrap().push(process);
    }

    fn forget_process(&self, id: &ProcessId) {
        self.records.lock().unwrap().retain(|record| record.id != *id);
    }

    fn processes(&self) -> Vec<ProcessRecord> {
        self.records.lock().unwrap().clone()
    }
}
