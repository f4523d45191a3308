//! Runs Terraform where it changes something: for as long as it takes, and to its end.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::signals::{self, EndSignal};

/// How much of its output is read at once.
const CHUNK: usize = 16 * 1024;

/// How long its output is awaited after its end: what it has started may keep the pipes open.
const GRACE: Duration = Duration::from_secs(1);

/// Some bytes that Terraform has printed.
#[derive(Debug)]
pub(crate) enum Printed {
    /// On stdout.
    Out(Bytes),
    /// On stderr.
    Err(Bytes),
}

/// Why Terraform did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It is not installed.
    #[error("terraform is not installed, or not in PATH")]
    Missing,
    /// It could not be started, or its output could not be read.
    #[error("terraform can't be run: {0}")]
    Io(#[from] io::Error),
    /// It failed by itself.
    #[error("terraform {command} failed ({status})")]
    Failed {
        /// Its subcommand.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It was interrupted, and has ended.
    #[error("{}", .0.participle())]
    Ended(EndSignal),
}

/// Runs Terraform with `args` in `dir` and passes what it prints to `show`. It has no input.
///
/// It is in a process group of its own, so that a Ctrl-C reaches it once, through us: a second
/// interrupt makes Terraform stop at once and lose its state. TERM and HUP are passed on as TERM,
/// which it handles alike (HUP would kill it). Whatever the signal, its end is waited for.
///
/// # Errors
/// [`RunError`]. After a signal, a successful end is [`RunError::Ended`], too, unless
/// `completes` says that nothing is left to do after it.
pub(crate) async fn run<E: From<RunError>>(
    dir: &Path,
    args: &[&str],
    completes: bool,
    mut show: impl FnMut(Printed) -> Result<(), E>,
) -> Result<(), E> {
    let mut child = start(dir, args)?;
    let ended = follow(&mut child, &mut show).await;
    let (status, signal, shown) = ended.map_err(RunError::from)?;
    match signal {
        _ if status.success() && (completes || signal.is_none()) => shown,
        Some(signal) => Err(RunError::Ended(signal).into()),
        None => {
            let command = args.first().copied().unwrap_or_default().to_owned();
            Err(RunError::Failed { command, status }.into())
        }
    }
}

fn start(dir: &Path, args: &[&str]) -> Result<Child, RunError> {
    let mut command = Command::new("terraform");
    command.args(args).current_dir(dir).env("AWS_STS_REGIONAL_ENDPOINTS", "regional");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if dir.is_dir() => RunError::Missing,
        _ => RunError::Io(error),
    })
}

/// Waits for the end. Output that can't be shown does not end Terraform: the first such error is
/// returned with the status.
async fn follow<E>(
    child: &mut Child,
    show: &mut impl FnMut(Printed) -> Result<(), E>,
) -> io::Result<(ExitStatus, Option<EndSignal>, Result<(), E>)> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut signal, mut shown) = (None, Ok(()));
    let mut status = None;
    loop {
        let printed = tokio::select! {
            bytes = next(&mut out), if out.is_some() => bytes.map(Printed::Out),
            bytes = next(&mut err), if err.is_some() => bytes.map(Printed::Err),
            received = signals::received() => {
                signal = Some(received);
                pass_on(child, received);
                None
            }
            ended = child.wait(), if status.is_none() => {
                status = Some(ended?);
                None
            }
            () = tokio::time::sleep(GRACE), if status.is_some() => {
                (out, err) = (None, None);
                None
            }
        };
        if let (Some(printed), true) = (printed, shown.is_ok()) {
            shown = show(printed);
        }
        if let (Some(status), None, None) = (status, &out, &err) {
            return Ok((status, signal, shown));
        }
    }
}

/// Reads some bytes. At the end, or where it can't be read, the pipe is dropped: what Terraform
/// does matters more than what it prints.
async fn next(pipe: &mut Option<impl AsyncRead + Unpin>) -> Option<Bytes> {
    let mut bytes = BytesMut::with_capacity(CHUNK);
    match pipe.as_mut()?.read_buf(&mut bytes).await {
        Ok(0) | Err(_) => {
            *pipe = None;
            None
        }
        Ok(_) => Some(bytes.freeze()),
    }
}

fn pass_on(child: &Child, signal: EndSignal) {
    let signal = match signal {
        EndSignal::Interrupt => Signal::INT,
        EndSignal::Terminate | EndSignal::HangUp => Signal::TERM,
    };
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid {
        // Fails if it has just ended by itself.
        let _ = kill_process(pid, signal);
    }
}
