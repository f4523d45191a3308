//! A session on the terminal of whoever opened it.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::signals::{self, EndSignal};
use crate::terminal::{self, RawMode};
use convox_client::rack::{
    Error, ExitCode, Session, SessionError, SessionEvent, SessionInput, SessionOutput, WindowSize,
};

/// A rack that has opened a session and not refused it within this time has accepted it, even if
/// the program prints nothing.
const ACCEPTED_AFTER: Duration = Duration::from_secs(1);
/// The size of one read of the input, in bytes.
const STEP: usize = 8 << 10;
const CTRL_C: u8 = 3;
/// So many Ctrl-C in a row leave a session that has never given any output.
const CTRL_C_TO_LEAVE: u32 = 3;

/// Why a session did not come to its end.
#[derive(Debug)]
pub(crate) enum AttachError {
    /// It could not be opened.
    Unopened(Error),
    /// The rack refused it, or it broke.
    Session(SessionError),
    /// A signal came, or Ctrl-C was typed into a session that does not answer.
    Ended(EndSignal),
    /// Its output can't be written, or its input not be read.
    Local(CommandError),
}

impl From<Error> for AttachError {
    fn from(error: Error) -> Self {
        Self::Unopened(error)
    }
}

impl From<SessionError> for AttachError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<CommandError> for AttachError {
    fn from(error: CommandError) -> Self {
        Self::Local(error)
    }
}

impl AttachError {
    /// The failure of a command; `still_running` advises what to do about a process that may be.
    pub(crate) fn into_command_error(self, still_running: Vec<Hint>) -> CommandError {
        match self {
            // Who is in between, such as a load balancer, does not say how far it got.
            Self::Unopened(error) if error.is_ambiguous() || error.is_transient() => {
                still_running.into_iter().fold(error.into(), CommandError::hint)
            }
            Self::Unopened(error) => error.into(),
            Self::Session(SessionError::Refused(message)) => CommandError::refused(message),
            Self::Session(error) => CommandError::new(error).with_hints(still_running),
            Self::Ended(signal) => CommandError::ended(signal).with_hints(still_running),
            Self::Local(error) => error,
        }
    }
}

/// The size of the terminal that shows the output, or else of the one the input comes from.
pub(crate) fn window_size(cx: &Context) -> Option<WindowSize> {
    let of_output = terminal::size(io::stdout());
    let size = of_output.or_else(|| terminal::size(cx.ui.input().fd()?));
    size.map(|size| WindowSize { rows: size.rows, columns: size.columns })
}

/// Connects a session with the input and the output of this run until it ends. Returns the exit
/// code, if the session has one.
///
/// A terminal is in raw mode meanwhile, so that every key goes to the remote program, Ctrl-C and
/// Ctrl-D too. It stays as it is until the rack has answered, and is restored on every way out.
///
/// # Errors
/// [`AttachError`].
pub(crate) async fn attach(
    cx: &Context,
    session: Session,
) -> Result<Option<ExitCode>, AttachError> {
    let (input, mut output) = session.split();
    let is_terminal = cx.ui.can_ask();
    let work = async {
        let first = if is_terminal { answer(&mut output).await? } else { None };
        if let Some(code) = print(cx, first)? {
            return Ok(code);
        }
        let answered = Cell::new(false);
        let (typed, file) = cx.ui.input().detach().map_err(unreadable)?;
        let _raw = match &file {
            Some(file) if is_terminal => {
                Some(RawMode::enter(std::os::fd::AsFd::as_fd(file)).map_err(unreadable)?)
            }
            _ => None,
        };
        let keys = Keys::read(typed, file).map_err(unreadable)?;
        let resizes = if is_terminal { signal(SignalKind::window_change()).ok() } else { None };
        let feeder = Feeder { input, keys, resizes, answered: &answered };
        tokio::select! {
            code = receive(cx, &mut output, &answered) => code,
            () = feeder.feed(cx) => Err(AttachError::Ended(EndSignal::Interrupt)),
        }
    };
    tokio::select! {
        ended = work => ended,
        signal = signals::received() => Err(AttachError::Ended(signal)),
    }
}

fn unreadable(error: io::Error) -> AttachError {
    AttachError::Local(CommandError::while_doing("can't read the standard input", error))
}

/// Waits until the rack has answered. Returns what it has given, if anything.
async fn answer(output: &mut SessionOutput) -> Result<Option<SessionEvent>, SessionError> {
    tokio::select! {
        event = output.next() => event.map(Some),
        () = sleep(ACCEPTED_AFTER) => Ok(None),
    }
}

/// Passes output on to its end.
async fn receive(
    cx: &Context,
    output: &mut SessionOutput,
    answered: &Cell<bool>,
) -> Result<Option<ExitCode>, AttachError> {
    loop {
        let event = output.next().await?;
        answered.set(true);
        if let Some(code) = print(cx, Some(event))? {
            return Ok(code);
        }
    }
}

/// Prints output; returns the code at the end.
#[allow(clippy::option_option)] // the end, with a code or without
fn print(
    cx: &Context,
    event: Option<SessionEvent>,
) -> Result<Option<Option<ExitCode>>, CommandError> {
    match event {
        Some(SessionEvent::Output(bytes)) => cx.ui.write(&bytes).map(|()| None),
        Some(SessionEvent::Exited(code)) => Ok(Some(Some(code))),
        Some(SessionEvent::Ended) => Ok(Some(None)),
        None => Ok(None),
    }
}

/// What goes to the remote program.
struct Feeder<'a> {
    input: SessionInput,
    keys: Keys,
    resizes: Option<Signal>,
    /// Whether the session has given any output.
    answered: &'a Cell<bool>,
}

impl Feeder<'_> {
    /// Passes on what is typed and changes of the size, until Ctrl-C leaves the session. A broken
    /// connection is reported by the other direction, which may still have output.
    async fn feed(mut self, cx: &Context) {
        let (mut has_ended, mut ctrl_c) = (false, 0);
        loop {
            let sent = tokio::select! {
                keys = self.keys.bytes.recv(), if !has_ended => match keys {
                    Some(keys) => {
                        ctrl_c = if keys.iter().all(|key| *key == CTRL_C) { ctrl_c + 1 } else { 0 };
                        if ctrl_c >= CTRL_C_TO_LEAVE && !self.answered.get() {
                            return;
                        }
                        self.input.write(keys).await
                    }
                    None => {
                        has_ended = true;
                        self.input.finish().await
                    }
                },
                () = resized(&mut self.resizes) => match window_size(cx) {
                    Some(size) => self.input.resize(size).await,
                    None => Ok(()),
                },
            };
            if sent.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

async fn resized(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The input, read by a thread of its own: reading a terminal or a pipe blocks. The thread reads
/// only what is there, and nothing more once this is dropped, so that what is typed afterwards is
/// left to the shell.
struct Keys {
    bytes: mpsc::Receiver<Bytes>,
    _stop: io::PipeWriter,
}

impl Keys {
    /// Reads `file` after what was read of it already.
    fn read(typed: Vec<u8>, file: Option<File>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let (sender, bytes) = mpsc::channel(1);
        let reader = move || {
            if !typed.is_empty() && sender.blocking_send(typed.into()).is_err() {
                return;
            }
            if let Some(file) = file {
                read_while_wanted(file, &stopped.into(), &sender);
            }
        };
        std::thread::Builder::new().name("stdin".to_owned()).spawn(reader)?;
        Ok(Self { bytes, _stop: stop })
    }
}

/// Reads to the end of the input, or until the other end of `stopped` is closed because the input
/// is no longer needed.
fn read_while_wanted(mut file: File, stopped: &OwnedFd, sender: &mpsc::Sender<Bytes>) {
    let mut buffer = vec![0; STEP];
    loop {
        let mut ready = [PollFd::new(stopped, PollFlags::IN), PollFd::new(&file, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) if !ready[0].revents().is_empty() => return,
            Ok(_) => {}
        }
        match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(count @ 1..) => {
                if sender.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() {
                    return;
                }
            }
            // The end, or a terminal that is gone.
            Ok(0) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pipe() -> (File, io::PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        (File::from(OwnedFd::from(reader)), writer)
    }

    #[tokio::test]
    async fn what_was_read_before_comes_first_and_the_end_is_seen() {
        let (file, mut writer) = pipe();
        let mut keys = Keys::read(b"early ".to_vec(), Some(file)).unwrap();
        writer.write_all(b"late").unwrap();
        assert_eq!(keys.bytes.recv().await.unwrap(), "early ");
        assert_eq!(keys.bytes.recv().await.unwrap(), "late");
        drop(writer);
        assert_eq!(keys.bytes.recv().await, None);
    }

    #[tokio::test]
    async fn what_is_typed_after_the_session_is_left_to_others() {
        let (file, mut writer) = pipe();
        let mut rest = file.try_clone().unwrap();
        let mut keys = Keys::read(Vec::new(), Some(file)).unwrap();
        writer.write_all(b"for the session").unwrap();
        assert_eq!(keys.bytes.recv().await.unwrap(), "for the session");
        drop(keys);
        writer.write_all(b"for the shell").unwrap();
        drop(writer);
        let mut text = String::new();
        rest.read_to_string(&mut text).unwrap();
        assert_eq!(text, "for the shell");
    }
}
