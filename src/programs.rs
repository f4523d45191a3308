//! Starting other programs: with arguments as they are, without a shell, for a bounded time.
//!
//! These calls block. git answers within milliseconds; whoever talks to sockets meanwhile runs
//! them on a thread.

pub mod git;
pub mod terraform;

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// Why a program gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not installed.
    #[error("{0} is not installed, or not in PATH")]
    Missing(String),
    /// It could not be started, or its output not be read.
    #[error("cannot run {program}: {source}")]
    Failed {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It took too long and was ended.
    #[error("{program} did not end within {} s", limit.as_secs())]
    Slow {
        /// The program.
        program: String,
        /// How long it was given.
        limit: Duration,
    },
}

/// How a program ended.
#[derive(Debug)]
pub struct Output {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// What it wrote to stdout; stderr is not mixed into it.
    pub stdout: Vec<u8>,
}

impl Output {
    /// The trimmed text of a program that succeeded; what is no UTF-8 is replaced.
    pub fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.stdout);
        self.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

/// Runs `program` in `folder` and returns what it wrote to stdout. It reads nothing and its
/// stderr is dropped. With everything that it started it is ended after `limit`.
///
/// # Errors
/// It is not installed, cannot be started, or takes too long.
pub fn run(
    program: &str,
    arguments: &[&str],
    folder: &Path,
    limit: Duration,
) -> Result<Output, ProgramError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0); // so that all of it can be ended
    let child = command.spawn().map_err(|error| not_started(program, folder, error))?;
    let group = Pid::from_child(&child);
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        // nobody listens any more once the limit has passed
        let _ = sender.send(output_of(child));
    });
    match ended.recv_timeout(limit) {
        Ok(output) => {
            output.map_err(|source| ProgramError::Failed { program: program.to_owned(), source })
        }
        Err(_) => {
            // one that ended in this very moment is fine too
            let _ = kill_process_group(group, Signal::KILL);
            Err(ProgramError::Slow { program: program.to_owned(), limit })
        }
    }
}

/// A missing folder gives the same error as a missing program.
fn not_started(program: &str, folder: &Path, source: std::io::Error) -> ProgramError {
    let program = program.to_owned();
    if source.kind() == std::io::ErrorKind::NotFound && folder.is_dir() {
        return ProgramError::Missing(program);
    }
    ProgramError::Failed { program, source }
}

fn output_of(mut child: Child) -> std::io::Result<Output> {
    let mut stdout = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut stdout)?;
    }
    Ok(Output { status: child.wait()?, stdout })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(20);

    fn sh(script: &str, limit: Duration) -> Result<Output, ProgramError> {
        run("sh", &["-c", script], Path::new("/"), limit)
    }

    #[test]
    fn stdout_and_the_exit_code_come_back_and_stderr_does_not() {
        let output = sh("echo ' out '; echo err >&2; exit 3", LONG).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(output.stdout, b" out \n");
        assert_eq!(output.text(), None);
        assert_eq!(sh("echo ' out '", LONG).unwrap().text().as_deref(), Some("out"));
    }

    #[test]
    fn arguments_are_not_read_by_a_shell_and_there_is_no_input() {
        let output = run("printf", &["%s", "$HOME; *"], Path::new("/"), LONG).unwrap();
        assert_eq!(output.stdout, b"$HOME; *");
        assert_eq!(sh("cat; pwd", LONG).unwrap().stdout, b"/\n");
    }

    #[test]
    fn a_long_output_is_read_whole() {
        let output = sh("head -c 1000000 /dev/zero", LONG).unwrap();
        assert_eq!(output.stdout.len(), 1_000_000);
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_what_it_started() {
        let started = Instant::now();
        let error = sh("sleep 60 & sleep 60", Duration::from_millis(100)).unwrap_err();
        assert!(matches!(error, ProgramError::Slow { .. }), "{error}");
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn a_missing_program_is_told_from_a_missing_folder() {
        let error = run("convox-no-such-program", &[], Path::new("/"), LONG).unwrap_err();
        assert!(matches!(error, ProgramError::Missing(_)), "{error}");
        let error = run("sh", &[], Path::new("/no/such/folder"), LONG).unwrap_err();
        assert!(matches!(error, ProgramError::Failed { .. }), "{error}");
    }
}
