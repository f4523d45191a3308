//! Commands run beside a process, in its directory and environment, with a client attached.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use axum::http::HeaderMap;
use bytes::{Buf, BytesMut};
use pty_process::{OwnedWritePty, Size};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

use crate::duplex::{Incoming, Receiver, Sender, Service};
use crate::error::Refusal;
use crate::options::{socket_flag, socket_number, socket_text};
use crate::runner::{Group, KillOnDrop, Workplace};
use convox_wire::frame::EXIT_MARKER;

/// How long output may still come after the command has exited: something that it left behind may
/// hold its terminal open.
const LAST_OUTPUT: Duration = Duration::from_millis(200);
/// The size of one read, in bytes.
const STEP: usize = 32 << 10;
/// Input that is kept for a program that does not read it, in bytes.
const MAX_KEPT: usize = 64 << 10;
/// What ends the input of a program on a terminal: Ctrl-D.
const END_OF_INPUT: u8 = 4;
/// The code that v3 racks give for a command that could not be started.
const NOT_STARTED: i32 = -1;

/// A command to run with a client attached.
pub(crate) struct Exec {
    workplace: Workplace,
    command: Vec<String>,
    /// The size of the terminal; `None` for pipes.
    terminal: Option<Size>,
    has_input: bool,
    /// Whether the exit code is sent at the end.
    reports_code: bool,
    grace: Duration,
}

impl Exec {
    /// Reads the options of an exec websocket. As on v3 racks the command is split with the
    /// quoting rules of a shell; there is a terminal unless `Tty` is `false`.
    pub(crate) fn from_headers(
        workplace: Workplace,
        headers: &HeaderMap,
        grace: Duration,
    ) -> Result<Self, Refusal> {
        let text = socket_text(headers, "Command").unwrap_or_default();
        let command = split_command(&text)?;
        let size = terminal_size(headers)?;
        let terminal = socket_flag(headers, "Tty", true).then_some(size);
        let has_input = !socket_flag(headers, "Disable-Stdin", false);
        Ok(Self { workplace, command, terminal, has_input, reports_code: true, grace })
    }

    /// The client of a resource, always on a terminal. As on v3 racks its exit code is not sent.
    pub(crate) fn console(
        workplace: Workplace,
        command: Vec<String>,
        headers: &HeaderMap,
        grace: Duration,
    ) -> Result<Self, Refusal> {
        let terminal = Some(terminal_size(headers)?);
        Ok(Self { workplace, command, terminal, has_input: true, reports_code: false, grace })
    }

    /// Sends the exit code. A client that is gone needs none.
    async fn send_code(&self, to: &Sender, code: i32) {
        if self.reports_code {
            let _ = to.send(format!("{EXIT_MARKER}{code}\n").as_bytes()).await;
        }
    }

    fn start(&self) -> io::Result<Attached> {
        match self.terminal {
            Some(size) => self.start_on_terminal(size),
            None => self.start_on_pipes(),
        }
    }

    fn program(&self) -> (&str, &[String]) {
        self.command.split_first().map_or(("", &[]), |(program, args)| (program, args))
    }

    fn start_on_terminal(&self, size: Size) -> io::Result<Attached> {
        let (pty, line) = pty_process::open().map_err(io::Error::other)?;
        pty.resize(size).map_err(io::Error::other)?;
        let (program, arguments) = self.program();
        let command = pty_process::Command::new(program)
            .args(arguments)
            .current_dir(&self.workplace.directory)
            .env_clear()
            .env("TERM", "xterm")
            .envs(self.workplace.variables.iter().map(|(name, value)| (name, value)));
        let child = command.spawn(line).map_err(|error| match error {
            pty_process::Error::Io(error) => error,
            other => io::Error::other(other),
        })?;
        let (output, input) = pty.into_split();
        Attached::new(child, Box::new(output), Input::Terminal(input))
    }

    /// Standard output and error share a pipe, so that their order is kept.
    fn start_on_pipes(&self) -> io::Result<Attached> {
        let (reader, writer) = io::pipe()?;
        let (program, arguments) = self.program();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.workplace.directory)
            .env_clear()
            .envs(self.workplace.variables.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(if self.has_input { Stdio::piped() } else { Stdio::null() })
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let mut child = command.spawn()?;
        let input = Input::Pipe(child.stdin.take());
        let output = tokio::net::unix::pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Attached::new(child, Box::new(output), input)
    }
}

fn terminal_size(headers: &HeaderMap) -> Result<Size, Refusal> {
    let side = |name| socket_number(headers, name).map(|side| side.and_then(to_u16));
    Ok(Size::new(side("Height")?.unwrap_or(24), side("Width")?.unwrap_or(80)))
}

fn to_u16(number: usize) -> Option<u16> {
    u16::try_from(number).ok()
}

/// Splits a command line with the quoting rules of a shell.
pub(crate) fn split_command(text: &str) -> Result<Vec<String>, Refusal> {
    match shell_words::split(text) {
        Ok(words) if words.is_empty() => Err(Refusal::bad_request("command required")),
        Ok(words) => Ok(words),
        Err(error) => Err(Refusal::bad_request(format!("invalid command: {error}"))),
    }
}

/// A running command and its streams.
struct Attached {
    child: Child,
    group: Group,
    guard: KillOnDrop,
    output: Box<dyn AsyncRead + Send + Unpin>,
    input: Input,
}

enum Input {
    Terminal(OwnedWritePty),
    /// `None` once it is closed.
    Pipe(Option<ChildStdin>),
}

impl Attached {
    fn new(
        child: Child,
        output: Box<dyn AsyncRead + Send + Unpin>,
        input: Input,
    ) -> io::Result<Self> {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let group = pid.and_then(Group::of_leader);
        let group = group.ok_or_else(|| io::Error::other("the system gave it no process id"))?;
        Ok(Self { child, group, guard: KillOnDrop::new(group), output, input })
    }
}

impl Input {
    /// Passes on what a client sends, until it is gone. A program that does not read its input
    /// must not hide that, so some of it is kept here.
    async fn feed(&mut self, from: &mut Receiver) {
        let (mut kept, mut has_ended) = (BytesMut::new(), false);
        loop {
            tokio::select! {
                incoming = from.next(), if kept.len() < MAX_KEPT => match incoming {
                    Some(Incoming::Data(data)) => kept.extend_from_slice(&data),
                    Some(Incoming::End) => has_ended = true,
                    Some(Incoming::Resize { rows, columns }) => self.resize(rows, columns),
                    None => return,
                },
                written = self.write(&kept), if !kept.is_empty() => match written {
                    Ok(count) => kept.advance(count),
                    // The program may stop reading before its input ends.
                    Err(_) => kept.clear(),
                },
            }
            if has_ended && kept.is_empty() {
                has_ended = false;
                match self {
                    Self::Terminal(_) => kept.extend_from_slice(&[END_OF_INPUT]),
                    Self::Pipe(pipe) => *pipe = None,
                }
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Terminal(line) => line.write(bytes).await,
            Self::Pipe(Some(pipe)) => pipe.write(bytes).await,
            Self::Pipe(None) => Ok(bytes.len()),
        }
    }

    fn resize(&self, rows: u16, columns: u16) {
        if let Self::Terminal(line) = self {
            // The terminal of a program that has just ended may be gone.
            let _ = line.resize(Size::new(rows, columns));
        }
    }
}

impl Service for Exec {
    async fn serve(self, from: &mut Receiver, to: &Sender) -> Result<(), Refusal> {
        let attached = match self.start() {
            Ok(attached) => attached,
            Err(error) => {
                // As v3 racks do: the marker first, then the error.
                self.send_code(to, NOT_STARTED).await;
                return Err(Refusal::bad_request(self.not_started(&error)));
            }
        };
        let Attached { mut child, group, mut guard, output, mut input } = attached;
        let exited = CancellationToken::new();
        let ended = async {
            let status = child.wait().await;
            exited.cancel();
            status
        };
        let running = async { tokio::join!(ended, pass_on(output, to, &exited)).0 };
        let status = tokio::select! {
            status = running => Some(status),
            () = input.feed(from) => None,
        };
        match status {
            Some(status) => {
                guard.release();
                self.send_code(to, exit_code(status?)).await;
            }
            None => {
                // The client is gone, and with it the terminal.
                drop(input);
                group.end_with(&mut child, self.grace).await;
                guard.release();
            }
        }
        Ok(())
    }
}

impl Exec {
    fn not_started(&self, error: &io::Error) -> String {
        let program = self.program().0;
        match error.kind() {
            io::ErrorKind::NotFound => format!("exec: {program:?}: executable file not found"),
            _ => format!("exec: {program:?}: {error}"),
        }
    }
}

/// Sends output until its end, or until nothing has come for a while after the exit. A client that
/// is gone is noticed elsewhere.
async fn pass_on(mut output: impl AsyncRead + Unpin, to: &Sender, exited: &CancellationToken) {
    let mut buffer = vec![0; STEP];
    loop {
        let quiet = async {
            exited.cancelled().await;
            tokio::time::sleep(LAST_OUTPUT).await;
        };
        let count = tokio::select! {
            // The end of a terminal is an error on Linux.
            count = output.read(&mut buffer) => count.unwrap_or(0),
            () = quiet => 0,
        };
        if count == 0 || to.send(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// The code that a shell gives.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(NOT_STARTED)
}
