//! Build steps of services.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{BuildError, BuildJob, Log};
use crate::manifest::ServiceSpec;
use crate::runner::{
    Group, KillOnDrop, Mark, ProcessRecord, Tree, each_line, ending, new_id, one_line, started_at,
};
use convox_wire::{ProcessId, ServiceName};

/// Time between TERM and KILL for canceled steps, and for processes that a step leaves running.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait for output after the step has ended: a child that left its group may hold the
/// pipes open.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// Runs the step in the source, and writes its output to the log.
pub(super) async fn run(
    job: &BuildJob,
    service: &ServiceSpec,
    command: &[String],
    log: &Log,
) -> Result<(), BuildError> {
    let failed = |reason: String| BuildError::Step { service: service.name.clone(), reason };
    let words = shown(command);
    log(&format!("Running: {words}"));
    let id = new_id(service.name.as_str())
        .map_err(|error| failed(format!("can't make a random id: {error}")))?;
    let mark = Mark::of_process(&job.data, &id);
    let spawned = Group::spawn(&mut prepare(job, command, &mark)).await;
    let (mut child, group) =
        spawned.map_err(|error| failed(format!("can't start {words}: {error}")))?;
    let tree = Tree::new(group, mark);
    let mut recorded = Recorded::new(job, &service.name, id, group, tree.clone());
    let outcome = tokio::select! {
        status = follow(&mut child, log) => Some(status),
        () = job.stop.cancelled() => None,
    };
    tree.end_with(&mut child, GRACE).await;
    recorded.guard.release();
    match outcome {
        None => Err(BuildError::Canceled),
        Some(Ok(status)) if status.success() => Ok(()),
        Some(Ok(status)) => Err(failed(format!("{words} {}", ending(status)))),
        Some(Err(error)) => Err(failed(format!("{words}: {error}"))),
    }
}

/// Describes a command in the log. A string that is run by a shell is shown unchanged.
fn shown(command: &[String]) -> String {
    match command {
        [shell, flag, script] if shell == "sh" && flag == "-c" => one_line(script),
        _ => one_line(&shell_words::join(command)),
    }
}

fn prepare(job: &BuildJob, command: &[String], mark: &Mark) -> Command {
    let (program, arguments) = command.split_first().map_or(("", &[][..]), |(p, a)| (p, a));
    let mut prepared = Command::new(program);
    prepared.args(arguments).current_dir(&job.source).env_clear().envs(job.base.variables());
    prepared.envs(job.base.build.iter().map(|(name, value)| (name, value)));
    prepared.envs([mark.variable()]);
    prepared.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    prepared
}

async fn follow(child: &mut Child, log: &Log) -> std::io::Result<ExitStatus> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut output = std::pin::pin!(async {
        tokio::join!(pass_on(out, log), pass_on(err, log));
    });
    let status = tokio::select! {
        status = child.wait() => status,
        () = &mut output => return child.wait().await,
    };
    // Later lines are lost, so that every build ends.
    let _ = timeout(LAST_OUTPUT, output).await;
    status
}

async fn pass_on(from: Option<impl AsyncRead + Unpin>, log: &Log) {
    if let Some(from) = from {
        each_line(from, |line| log(line)).await;
    }
}

/// The stored record of a step's process group. On drop it kills the group and deletes the record.
struct Recorded<'a> {
    job: &'a BuildJob,
    id: ProcessId,
    guard: KillOnDrop,
}

impl<'a> Recorded<'a> {
    fn new(
        job: &'a BuildJob,
        service: &ServiceName,
        id: ProcessId,
        group: Group,
        tree: Tree,
    ) -> Self {
        let pid = group.leader();
        if let Some(started_at) = started_at(pid) {
            let (app, service, id) = (job.app.clone(), service.clone(), id.clone());
            job.store.keep_process(ProcessRecord { pid, started_at, app, service, id });
        }
        Self { job, id, guard: KillOnDrop::new(tree) }
    }
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        self.job.store.forget_process(&self.id);
    }
}
