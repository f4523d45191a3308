//! A running server: started, probed, started again after a crash, and stopped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::engine::{Step, driver, find};
use super::place::{Place, unfinished};
use super::{Context, io_error};
use crate::directories::create_private;
use crate::gateway::loopback;
use crate::removal::remove;
use crate::runner::{
    Group, KillOnDrop, Mark, ProcessRecord, Tail, Tree, each_line, ending, started_at,
};
use convox_wire::{ProcessId, ServiceName};

const PROBE_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait for the last output of a server that has ended.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// What is known about a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It does not answer yet, or no longer.
    Starting,
    /// It answers.
    Running,
    /// It ended before it answered for the first time.
    Failed(String),
}

/// A server that is kept running until it is stopped.
pub(super) struct Server {
    pub(super) place: Arc<Place>,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// Returns why it does not, as a sentence.
    pub(super) async fn start(context: &Arc<Context>, place: Arc<Place>) -> Result<Self, String> {
        let program = find(&place)?;
        initialize(context, &place, &program).await?;
        let (report, mut state) = watch::channel(State::Starting);
        let stop = CancellationToken::new();
        let supervisor = Supervisor {
            context: Arc::clone(context),
            place: Arc::clone(&place),
            program,
            report,
            stop: stop.clone(),
        };
        let task = tokio::spawn(supervisor.run());
        let unless_started = stop.clone().drop_guard();
        let known = state.wait_for(|state| *state != State::Starting).await;
        let known = known.map(|state| state.clone());
        match known {
            Ok(State::Failed(reason)) => Err(reason),
            Ok(_) => {
                unless_started.disarm();
                Ok(Self { place, state, stop, task })
            }
            Err(_) => Err(format!("{} was stopped", place.name)),
        }
    }

    /// What is known about it, now and later.
    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Stops the server.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        // A panic there is reported by the runtime.
        let _ = self.task.await;
    }
}

/// Keeps a server running.
struct Supervisor {
    context: Arc<Context>,
    place: Arc<Place>,
    program: PathBuf,
    report: watch::Sender<State>,
    stop: CancellationToken,
}

impl Supervisor {
    async fn run(self) {
        let limits = self.context.limits;
        let mut pause = limits.first_pause;
        let mut has_answered = false;
        while let Err(reason) = self.run_once(&mut has_answered).await {
            if !has_answered {
                self.report.send_replace(State::Failed(reason));
                return;
            }
            self.report.send_replace(State::Starting);
            self.log(&format!("{reason}; starting it again in {} s", pause.as_secs_f32()));
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.cancelled() => break,
            }
            pause = limits.longest_pause.min(pause * 2);
        }
        self.report.send_replace(State::Starting);
    }

    /// Runs the server until it is stopped, or ends by itself, which is an error.
    async fn run_once(&self, has_answered: &mut bool) -> Result<(), String> {
        let mut running = self.spawn().await?;
        let ready = tokio::select! {
            ready = self.wait_until_ready() => ready,
            ended = running.ended() => Err(ended),
            () = self.stop.cancelled() => return self.end(running).await,
        };
        if let Err(reason) = ready {
            let lines = running.stop(self.context.limits.stop).await;
            return Err(self.failure(&reason, &lines));
        }
        *has_answered = true;
        self.report.send_replace(State::Running);
        self.log(&format!("listens on 127.0.0.1:{}", self.place.port));
        let ended = tokio::select! {
            ended = running.ended() => ended,
            () = self.stop.cancelled() => return self.end(running).await,
        };
        let lines = running.stop(self.context.limits.stop).await;
        Err(self.failure(&ended, &lines))
    }

    async fn end(&self, running: Running) -> Result<(), String> {
        running.group.signal(driver(self.place.engine).stop_signal());
        running.wait_and_stop(self.context.limits.stop).await;
        Ok(())
    }

    fn failure(&self, reason: &str, lines: &[String]) -> String {
        let last = lines.last().map(|line| format!(": {line}")).unwrap_or_default();
        format!("{}: {} {reason}{last}", self.place.name, driver(self.place.engine).name())
    }

    fn log(&self, line: &str) {
        let place = &self.place;
        self.context.logs.write(&place.app, &format!("system/resource/{}", place.name), line);
    }

    async fn spawn(&self) -> Result<Running, String> {
        let place = &self.place;
        let cannot = |error: std::io::Error| io_error(place, "can't be started", &error);
        let mut command = driver(place.engine).serve(place, &self.program).map_err(cannot)?;
        let id = self.context.mark(place, &mut command).map_err(cannot)?;
        let mark = Mark::of_process(self.context.directories.root(), &id);
        // With its tree, by the guard below.
        command.kill_on_drop(false);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (child, group) = Group::spawn(&mut command).await.map_err(cannot)?;
        let tree = Tree::new(group, mark);
        let guard = KillOnDrop::new(tree.clone());
        if let Some(started_at) = started_at(group.leader()) {
            let service = ServiceName::from_rack(place.name.clone());
            let (app, pid, id) = (place.app.clone(), group.leader(), id.clone());
            self.context.store.keep_process(ProcessRecord { pid, started_at, app, service, id });
        }
        let context = Arc::clone(&self.context);
        let mut running = Running {
            context,
            id,
            child,
            group,
            tree,
            guard,
            tail: Tail::default(),
            pumps: vec![],
        };
        running.listen(place);
        Ok(running)
    }

    async fn wait_until_ready(&self) -> Result<(), String> {
        let limit = self.context.limits.ready;
        let answers = async {
            while !self.answers().await {
                sleep(PROBE_INTERVAL).await;
            }
        };
        let late = |_| format!("did not answer within {} s", limit.as_secs());
        timeout(limit, answers).await.map_err(late)
    }

    async fn answers(&self) -> bool {
        if TcpStream::connect(loopback(self.place.port)).await.is_err() {
            return false;
        }
        let Some(probe) = driver(self.place.engine).probe(&self.place) else { return true };
        // Without its client, that it accepts connections has to do.
        let Ok(mut command) = probe.command(&self.place) else { return true };
        let answer = command.stdin(Stdio::null()).output().await;
        answer.is_ok_and(|answer| answer.stdout.trim_ascii() == b"ready")
    }
}

/// A process of a server. It is killed if it is dropped.
struct Running {
    context: Arc<Context>,
    id: ProcessId,
    child: Child,
    group: Group,
    tree: Tree,
    guard: KillOnDrop,
    tail: Tail,
    pumps: Vec<JoinHandle<()>>,
}

impl Running {
    fn listen(&mut self, place: &Place) {
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        self.pumps.extend(out.map(|out| self.pump(place, out)));
        self.pumps.extend(err.map(|err| self.pump(place, err)));
    }

    fn pump(&self, place: &Place, from: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let stream = format!("resource/{}/{}", place.name, self.id);
        let (app, tail, context) = (place.app.clone(), self.tail.clone(), self.context.clone());
        tokio::spawn(async move {
            let write = |line: &str| {
                tail.push(line);
                context.logs.write(&app, &stream, line);
            };
            each_line(from, write).await;
        })
    }

    /// Waits for its end, and describes it.
    async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => ending(status),
            Err(_) => "ended".to_owned(),
        }
    }

    /// Gives it time to end by itself.
    async fn wait_and_stop(mut self, grace: Duration) {
        // Afterwards it is killed.
        let _ = timeout(grace, self.child.wait()).await;
        self.stop(grace).await;
    }

    /// Stops it, and returns its last lines of output.
    async fn stop(mut self, grace: Duration) -> Vec<String> {
        self.tree.end_with(&mut self.child, grace).await;
        self.guard.release();
        for pump in &mut self.pumps {
            if timeout(LAST_OUTPUT, &mut *pump).await.is_err() {
                pump.abort();
            }
        }
        self.tail.lines()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.context.store.forget_process(&self.id);
    }
}

/// Creates the data directory of a new resource. It has its name only when it is complete.
async fn initialize(context: &Context, place: &Place, program: &Path) -> Result<(), String> {
    if place.data.is_dir() {
        return Ok(());
    }
    let cannot = |error: std::io::Error| io_error(place, "can't be created", &error);
    let data = unfinished(&place.data);
    remove(&data).and_then(|()| create_private(&data)).map_err(cannot)?;
    if let Some(account) = place.account {
        account.owns(&data).map_err(cannot)?;
    }
    let steps = driver(place.engine).initialize(place, program, &data).map_err(cannot)?;
    for step in steps {
        run_step(context, place, step).await?;
    }
    std::fs::rename(&data, &place.data).map_err(cannot)
}

async fn run_step(context: &Context, place: &Place, step: Step) -> Result<(), String> {
    let Step { mut command, input } = step;
    let cannot = |error: std::io::Error| io_error(place, "can't be created", &error);
    context.mark(place, &mut command).map_err(cannot)?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(cannot)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has ended without reading says why.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(cannot)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let program = Path::new(command.as_std().get_program());
    let program = program.file_name().unwrap_or_default().to_string_lossy();
    Err(format!("{}: {program} {}: {last}", place.name, ending(output.status)))
}
