//! Programs that the tests start: what they print is read while they run.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::output::Output;
use super::redactions::Redactions;
use super::waiting::{PATIENCE, PAUSE, until};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_convox");

/// Resets the signals that a parent may have ignored, then becomes the command in its arguments.
const WITH_DEFAULT_SIGNALS: &str = "import os, signal, sys\n\
    for name in ('SIGINT', 'SIGHUP', 'SIGTERM', 'SIGQUIT'):\n    \
        signal.signal(getattr(signal, name), signal.SIG_DFL)\n\
    os.execvp(sys.argv[1], sys.argv[1:])";

/// Whether these tests run with one of those signals ignored (proc(5), `SigIgn`): `nohup` does that
/// with HUP, and shells do with the INT and QUIT of background jobs. Children inherit it.
pub(crate) static SIGNALS_ARE_IGNORED: LazyLock<bool> = LazyLock::new(|| {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let signals = [Signal::INT, Signal::HUP, Signal::TERM, Signal::QUIT];
    signals.iter().any(|signal| mask & (1 << (signal.as_raw() - 1)) != 0)
});

/// The path of Python, for programs that are started with another search path.
pub(crate) static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    String::from_utf8(python.expect("python3").stdout).expect("a path").trim().to_owned()
});

/// A command with an empty environment whose program finds INT, HUP, TERM and QUIT as a terminal
/// leaves them, however the tests were started.
pub(crate) fn command(program: &str) -> Command {
    let mut command = if *SIGNALS_ARE_IGNORED {
        let mut command = Command::new(&*PYTHON);
        command.arg("-c").arg(WITH_DEFAULT_SIGNALS).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.env_clear();
    command
}

/// The search path of programs.
#[allow(clippy::disallowed_methods)] // that of whoever runs the tests
pub(crate) fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// A program that runs. It is killed when this is dropped.
pub struct Running {
    line: String,
    child: Child,
    pub(crate) out: Stream,
    pub(crate) err: Stream,
    started: Instant,
    redactions: Option<(Arc<Redactions>, PathBuf)>,
}

impl Running {
    /// Starts a command with pipes for its output.
    pub(crate) fn start(line: &str, mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = Stream::of(child.stdout.take().unwrap());
        let err = Stream::of(child.stderr.take().unwrap());
        let (line, started) = (line.to_owned(), Instant::now());
        Self { line, child, out, err, started, redactions: None }
    }

    /// Redacts the output; `directory` is shown as `/story`.
    pub(crate) fn redacted(mut self, redactions: Arc<Redactions>, directory: PathBuf) -> Self {
        self.redactions = Some((redactions, directory));
        self
    }

    /// The standard input, if it is a pipe.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("a pipe as standard input")
    }

    /// Waits until a text has been printed, on stdout or stderr.
    pub fn shows(&self, text: &str) -> &Self {
        let text = match &self.redactions {
            Some((redactions, _)) => redactions.resolve(text),
            None => text.to_owned(),
        };
        until(&format!("{text:?} from {}", self.line), || {
            (self.out.text().contains(&text) || self.err.text().contains(&text)).then_some(())
        });
        self
    }

    /// Sends INT, as a terminal does on Ctrl-C.
    pub fn interrupt(&self) -> &Self {
        self.signal(Signal::INT)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> &Self {
        kill_process(self.pid(), signal).unwrap();
        self
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for the end. A program that does not end is killed, which is an exit code of 137.
    pub fn end(mut self) -> Output {
        let give_up = Instant::now() + PATIENCE;
        let status = until(&format!("the end of {}", self.line), || self.ended_by(give_up));
        self.output(status)
    }

    /// The same in asynchronous tests.
    pub(crate) async fn ended(mut self) -> Output {
        let give_up = Instant::now() + PATIENCE;
        let status = loop {
            match self.ended_by(give_up) {
                Some(status) => break status,
                None => tokio::time::sleep(PAUSE).await,
            }
        };
        self.output(status)
    }

    fn ended_by(&mut self, give_up: Instant) -> Option<ExitStatus> {
        let ended = self.child.try_wait().unwrap();
        if ended.is_none() && Instant::now() > give_up {
            self.child.kill().unwrap();
            return Some(self.child.wait().unwrap());
        }
        ended
    }

    fn output(&mut self, status: ExitStatus) -> Output {
        let took = self.started.elapsed();
        let shown = |text: String| match &self.redactions {
            Some((redactions, directory)) => redactions.redact(&text, directory),
            None => text,
        };
        let out = shown(self.out.end());
        let err = shown(self.err.end());
        Output::new(&self.line, exit_code(status), out, err).with_time(took)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code as shells show it: that of a signal is 128 and its number.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| 128 + signal)).expect("an end")
}

/// What a program prints on a stream, as far as it has been read.
pub(crate) struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    pub(crate) fn of(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 64 << 10];
            // The end of a terminal is an error on Linux.
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                to.lock().unwrap_or_else(PoisonError::into_inner).extend(&buffer[..count]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    pub(crate) fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether everything has been read.
    pub(crate) fn is_complete(&self) -> bool {
        self.reader.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until the text is as it should be; false if the stream ends before that.
    pub(crate) async fn until(&self, is: impl Fn(&str) -> bool) -> bool {
        loop {
            let is_complete = self.is_complete();
            if is(&self.text()) {
                return true;
            }
            if is_complete {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Everything, to the end of the stream.
    pub(crate) fn end(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}
