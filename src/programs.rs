//! Runs other programs: without a shell, without input, and for a limited time.
//!
//! These calls block, so asynchronous code runs them on a blocking thread.

pub(crate) mod browser;
pub(crate) mod editor;
pub mod git;
pub(crate) mod pager;
pub mod terraform;

use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// Why a program gave no output.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not installed.
    #[error("{0} is not installed, or not in PATH")]
    Missing(String),
    /// It could not be started, or its output could not be read.
    #[error("cannot run {program}: {source}")]
    Failed {
        /// The program.
        program: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// It was killed because it took too long.
    #[error("{program} did not end within {} s", limit.as_secs())]
    TimedOut {
        /// The program.
        program: String,
        /// The time it was given.
        limit: Duration,
    },
}

/// Runs `command` to its end and returns its exit status and output, whatever the status. If it
/// takes longer than `limit`, its process group is killed.
///
/// # Errors
/// Fails if the program is not installed, cannot be started, or takes too long.
pub fn output(command: &mut Command, limit: Duration) -> Result<Output, ProgramError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0); // so that its children can be killed with it
    let child = match command.spawn() {
        Ok(child) => child,
        Err(source) => return Err(not_started(command, program, source)),
    };
    let group = Pid::from_child(&child);
    let (sender, ended) = mpsc::channel();
    let wait = move || {
        // the receiver is gone if the time is up
        let _ = sender.send(child.wait_with_output());
    };
    if let Err(source) = std::thread::Builder::new().spawn(wait) {
        kill(group);
        return Err(ProgramError::Failed { program, source });
    }
    match ended.recv_timeout(limit) {
        Ok(output) => output.map_err(|source| ProgramError::Failed { program, source }),
        Err(_) => {
            kill(group);
            Err(ProgramError::TimedOut { program, limit })
        }
    }
}

/// Starts `command`, which may go on running: it is left alone once it has run for `patience`.
///
/// # Errors
/// Fails if the program is not installed, cannot be started, or ends with a failure within that
/// time.
pub fn launch(command: &mut Command, patience: Duration) -> Result<(), ProgramError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(source) => return Err(not_started(command, program, source)),
    };
    let (sender, ended) = mpsc::channel();
    let wait = move || {
        // The receiver is gone if the program goes on running.
        let _ = sender.send(child.wait());
    };
    if let Err(source) = std::thread::Builder::new().spawn(wait) {
        return Err(ProgramError::Failed { program, source });
    }
    match ended.recv_timeout(patience) {
        Ok(Ok(status)) if !status.success() => {
            let source = std::io::Error::other(format!("it ended with {status}"));
            Err(ProgramError::Failed { program, source })
        }
        Ok(Err(source)) => Err(ProgramError::Failed { program, source }),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

fn kill(group: Pid) {
    // fails if it has just ended by itself
    let _ = kill_process_group(group, Signal::KILL);
}

/// Distinguishes a missing program from a missing directory, which give the same system error.
fn not_started(command: &Command, program: String, source: std::io::Error) -> ProgramError {
    let dir_exists = command.get_current_dir().is_none_or(|dir| dir.is_dir());
    if source.kind() == std::io::ErrorKind::NotFound && dir_exists {
        return ProgramError::Missing(program);
    }
    ProgramError::Failed { program, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(20);

    fn sh(script: &str, limit: Duration) -> Result<Output, ProgramError> {
        output(Command::new("sh").args(["-c", script]).current_dir("/"), limit)
    }

    #[test]
    fn both_outputs_and_the_exit_code_are_returned() {
        let output = sh("echo out; echo err >&2; exit 3", LONG).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
    }

    #[test]
    fn arguments_are_not_interpreted_and_there_is_no_input() {
        let printed = output(Command::new("printf").args(["%s", "$HOME; *"]), LONG).unwrap();
        assert_eq!(printed.stdout, b"$HOME; *");
        assert_eq!(sh("cat; pwd", LONG).unwrap().stdout, b"/\n");
    }

    #[test]
    fn long_outputs_are_read_to_their_ends() {
        let output = sh("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2", LONG).unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (1_000_000, 1_000_000));
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let started = Instant::now();
        let error = sh("sleep 60 & sleep 60", Duration::from_millis(100)).unwrap_err();
        assert!(matches!(error, ProgramError::TimedOut { .. }), "{error}");
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn a_missing_program_is_distinguished_from_a_missing_directory() {
        let error = output(&mut Command::new("convox-no-such-program"), LONG).unwrap_err();
        assert!(matches!(error, ProgramError::Missing(_)), "{error}");
        let error = output(Command::new("sh").current_dir("/no/such/directory"), LONG).unwrap_err();
        assert!(matches!(error, ProgramError::Failed { .. }), "{error}");
    }
}
