//! A process of a service: started in its own copy of the source, watched until it is ready, and
//! stopped together with its children.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::context::{ProcessEntry, RunnerContext};
use super::copy::copy_directory;
use super::crashes::Crashes;
use super::group::Group;
use super::lines::{Tail, each_line, one_line};
use super::mark::Mark;
use super::tree::{KillOnDrop, Tree};
use super::{Deployment, ProcessRecord, health, procfs};
use crate::directories;
use crate::gateway::loopback;
use crate::manifest::{HealthCheck, ServiceSpec};
use crate::removal;
use convox_wire::{self, Environment, ProcessId, ProcessStatus};

const CONNECT_INTERVAL: Duration = Duration::from_millis(25);

/// How long to wait for the last output of a process that has ended: a child that left its group
/// may hold the pipes open.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// Starts processes of a service.
#[derive(Clone)]
pub(super) struct Launch {
    pub(super) context: Arc<RunnerContext>,
    pub(super) deployment: Arc<Deployment>,
    pub(super) service: ServiceSpec,
    /// What the ids of the processes begin with.
    pub(super) name: String,
    /// Additional variables, which override those of the release.
    pub(super) variables: Environment,
    /// The crashes of the service so far.
    pub(super) crashes: Crashes,
}

impl Launch {
    pub(super) fn log(&self, id: &ProcessId, line: &str) {
        self.context.log_process(&self.deployment.app, &self.service.name, id, line);
    }

    fn command(&self, directory: &PathBuf, port: Option<u16>, mark: &Mark) -> Command {
        let (program, arguments) =
            self.service.command.split_first().map_or(("", &[][..]), |(p, a)| (p, a));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory).env_clear();
        command.envs(self.context.base.variables());
        command.envs(self.system_variables());
        let Deployment { manifest, environment, resources, .. } = self.deployment.as_ref();
        let of_service = resources.get(&self.service.name).into_iter().flatten();
        command.envs(of_service.map(|(name, value)| (name, value)));
        command.envs(manifest.variables(&self.service, environment));
        command.envs(self.variables.iter());
        command.envs(port.map(|port| ("PORT", port.to_string())));
        command.envs([mark.variable()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Returns the variables that v3 racks set, and PYTHONUNBUFFERED: Python would keep back the
    /// output to a pipe.
    fn system_variables(&self) -> [(&str, &str); 7] {
        let deployment = self.deployment.as_ref();
        [
            ("APP", deployment.app.as_str()),
            ("BUILD", deployment.build.as_str()),
            ("BUILD_DESCRIPTION", &deployment.build_description),
            ("PYTHONUNBUFFERED", "1"),
            ("RACK", crate::rack::NAME),
            ("RELEASE", deployment.release.as_str()),
            ("SERVICE", self.service.name.as_str()),
        ]
    }

    fn entry(&self, id: &ProcessId, port: Option<u16>) -> ProcessEntry {
        let name = self.service.name.to_string();
        let mut process = convox_wire::Process::new(id.clone(), name, ProcessStatus::Starting);
        process.app = Some(self.deployment.app.clone());
        process.release = Some(self.deployment.release.clone());
        process.command = one_line(&shell_words::join(&self.service.command));
        process.host = "127.0.0.1".into();
        process.started = Some(self.context.clock.now());
        let ports = self.service.port.zip(port).map(|(inner, port)| format!("{port}:{inner}"));
        process.ports = ports.into_iter().collect();
        self.crashes.report(&mut process);
        self.context.processes.enter(process)
    }
}

/// A started process. Its group is killed if it is dropped without [`Process::stop`].
pub(super) struct Process {
    pub(super) id: ProcessId,
    pub(super) port: Option<u16>,
    tree: Tree,
    child: Child,
    tail: Tail,
    pumps: Vec<JoinHandle<()>>,
    grace: Duration,
    entry: ProcessEntry,
    // Dropped before the leftovers: a running process must not lose its directory.
    guard: KillOnDrop,
    leftovers: Leftovers,
}

/// Why a process is not ready.
pub(super) enum NotReady {
    Ended(ExitStatus),
    TimedOut,
    /// It accepts connections, but has not passed its health check, for this reason.
    Unhealthy(String),
    Stopped,
}

impl Process {
    /// Starts a process in a new copy of the source, with a free port.
    pub(super) async fn start(launch: &Launch) -> Result<Self, String> {
        let id =
            new_id(&launch.name).map_err(|error| format!("can't make a random id: {error}"))?;
        let leftovers = Leftovers::new(&launch.context, &id);
        copy_source(&launch.deployment.source, &leftovers.directory).await?;
        let port = match launch.service.port {
            Some(_) => {
                Some((launch.context.ports)().map_err(|error| format!("no free port: {error}"))?)
            }
            None => None,
        };
        let mark = Mark::of_process(&launch.context.data, &id);
        let mut command = launch.command(&leftovers.directory, port, &mark);
        let spawned = Group::spawn(&mut command).await;
        let (child, group) = spawned.map_err(|error| cannot_start(&launch.service, &error))?;
        let tree = Tree::new(group, mark);
        let guard = KillOnDrop::new(tree.clone());
        launch.context.workplaces.enter(&id, &command);
        keep(launch, group, &id);
        let words = one_line(&shell_words::join(&launch.service.command));
        launch.log(&id, &format!("{id}: starting release {}: {words}", launch.deployment.release));
        let mut process = Self {
            entry: launch.entry(&id, port),
            grace: launch.context.limits.stop,
            tail: Tail::default(),
            pumps: Vec::new(),
            guard,
            id,
            port,
            tree,
            child,
            leftovers,
        };
        process.listen(launch);
        Ok(process)
    }

    fn listen(&mut self, launch: &Launch) {
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        self.pumps.extend(out.map(|out| self.pump(launch, out)));
        self.pumps.extend(err.map(|err| self.pump(launch, err)));
    }

    fn pump(
        &self,
        launch: &Launch,
        from: impl AsyncRead + Unpin + Send + 'static,
    ) -> JoinHandle<()> {
        let stream = format!("service/{}/{}", launch.service.name, self.id);
        let (app, log, tail) =
            (launch.deployment.app.clone(), launch.context.log.clone(), self.tail.clone());
        tokio::spawn(async move {
            each_line(from, |line| {
                tail.push(line);
                log(&app, &stream, line);
            })
            .await;
        })
    }

    /// Waits until it accepts connections on its port and passes its health check, or, without a port, has run for a while.
    pub(super) async fn ready(
        &mut self,
        launch: &Launch,
        stop: &CancellationToken,
    ) -> Result<(), NotReady> {
        let limits = launch.context.limits;
        let answers = async {
            match self.port {
                Some(port) => serves(port, launch.service.health.as_ref(), limits.ready).await,
                None => {
                    sleep(limits.settle).await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(NotReady::Stopped),
            status = ended(&mut self.child) => Err(NotReady::Ended(status)),
            answered = answers => answered,
        }?;
        self.set_running();
        Ok(())
    }

    /// Shows the process as running.
    pub(super) fn set_running(&self) {
        self.entry.set(ProcessStatus::Running);
    }

    /// Returns how the process has ended, or `None` if it is running.
    pub(super) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for the process to exit.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        ended(&mut self.child).await
    }

    /// Returns its last lines of output so far, oldest first.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.tail.lines()
    }

    /// Stops the process and its children, and removes its copy of the source. Returns its last lines
    /// of output.
    pub(super) async fn stop(self) -> Vec<String> {
        let (_row, lines) = self.clean_up().await;
        lines
    }

    /// Like [`Process::stop`], for a process that has exited. It is listed as crashed until the
    /// returned entry is dropped.
    pub(super) async fn crashed(self) -> ProcessEntry {
        self.entry.set(ProcessStatus::Crashed);
        self.clean_up().await.0
    }

    async fn clean_up(mut self) -> (ProcessEntry, Vec<String>) {
        self.tree.end_with(&mut self.child, self.grace).await;
        self.guard.release();
        for pump in &mut self.pumps {
            if timeout(LAST_OUTPUT, &mut *pump).await.is_err() {
                pump.abort();
            }
        }
        let lines = self.tail.lines();
        let leftovers = self.leftovers;
        // Removing a large directory takes a while. The runtime reports a panic.
        let _ = spawn_blocking(move || drop(leftovers)).await;
        (self.entry, lines)
    }
}

async fn ended(child: &mut Child) -> ExitStatus {
    match child.wait().await {
        Ok(status) => status,
        // The status is lost: something else has reaped the process.
        Err(_) => ExitStatus::from_raw(0),
    }
}

async fn wait_for_connection(port: u16) {
    while TcpStream::connect(loopback(port)).await.is_err() {
        sleep(CONNECT_INTERVAL).await;
    }
}

/// Waits until a process accepts connections and passes its health check, if it has one.
async fn serves(port: u16, check: Option<&HealthCheck>, limit: Duration) -> Result<(), NotReady> {
    let deadline = Instant::now() + check.map_or(limit, |check| limit.max(check.grace));
    let connected = timeout_at(deadline, wait_for_connection(port)).await;
    connected.map_err(|_| NotReady::TimedOut)?;
    let Some(check) = check else { return Ok(()) };
    let mut last = String::new();
    let passed = timeout_at(deadline, health::passed(check, port, &mut last)).await;
    passed.map_err(|_| NotReady::Unhealthy(last))
}

async fn copy_source(source: &std::path::Path, directory: &std::path::Path) -> Result<(), String> {
    let (from, to) = (source.to_owned(), directory.to_owned());
    let copied = spawn_blocking(move || {
        if let Some(parent) = to.parent() {
            directories::create_private(parent)?;
        }
        copy_directory(&from, &to)
    });
    let failed = |error: &dyn std::fmt::Display| format!("can't copy the source: {error}");
    match copied.await {
        Ok(result) => result.map_err(|error| failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}

fn cannot_start(service: &ServiceSpec, error: &io::Error) -> String {
    let program = service.command.first().map_or("", String::as_str);
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("can't start {program:?}: not found in the source or on PATH")
        }
        io::ErrorKind::PermissionDenied => {
            format!("can't start {program:?}: not executable (run chmod +x and deploy again)")
        }
        _ => format!("can't start {program:?}: {error}"),
    }
}

/// Records the group, so that the next rack can stop it if this one is killed.
fn keep(launch: &Launch, group: Group, id: &ProcessId) {
    let pid = group.leader();
    let Some(started_at) = procfs::started_at(pid) else { return };
    let (app, service) = (launch.deployment.app.clone(), launch.service.name.clone());
    launch.context.store.keep_process(ProcessRecord {
        pid,
        started_at,
        app,
        service,
        id: id.clone(),
    });
}

/// Returns a new process id: a name and six random letters and digits.
pub(crate) fn new_id(name: &str) -> Result<ProcessId, getrandom::Error> {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = [0u8; 6];
    getrandom::fill(&mut random)?;
    let end: String =
        random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % 36])).collect();
    Ok(ProcessId::from_rack(format!("{name}-{end}")))
}

/// Describes how a process ended: `ended with exit code 1`.
pub(crate) fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The record and the copy of the source of a process. Removed on drop.
struct Leftovers {
    context: Arc<RunnerContext>,
    id: ProcessId,
    directory: PathBuf,
}

impl Leftovers {
    fn new(context: &Arc<RunnerContext>, id: &ProcessId) -> Self {
        Self {
            context: Arc::clone(context),
            id: id.clone(),
            directory: context.running().join(id.as_str()),
        }
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        self.context.workplaces.leave(&self.id);
        self.context.store.forget_process(&self.id);
        // What can't be removed now is removed when the rack starts next.
        let _ = removal::remove(&self.directory);
    }
}
