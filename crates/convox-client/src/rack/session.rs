//! Interactive sessions: a remote process, a rack's instance or a resource on the other end.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::exit_scanner::{ExitScanner, StreamEnd};
use super::incoming::{Incoming, Received};
use super::{Error, Rack};
use crate::path;
use crate::transport::{CloseReason, Headers, Path, SocketSender};
use convox_wire::option::ToParam;
use convox_wire::{AppName, ProcessId, ResourceName};

/// How long the beginning of an exit marker is held back before it counts as output.
const MARKER_FOLLOWS: Duration = Duration::from_millis(25);

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

/// What to run in an existing process.
#[derive(Debug, Clone, Default)]
pub struct ExecOptions {
    /// The command line. v3 racks split it as a shell would, v2 racks pass it to `sh -c`.
    pub command: String,
    /// Whether the image's entry point runs it; `None` for the rack's default.
    pub entrypoint: Option<bool>,
    /// Whether input and output are pipes instead of a terminal.
    pub no_tty: bool,
    /// The size of the terminal.
    pub size: Option<WindowSize>,
    /// Whether the process has no input (v3).
    pub no_stdin: bool,
}

/// An open session.
pub struct Session {
    input: SessionInput,
    output: SessionOutput,
}

/// The half of a session that sends input to the process.
pub struct SessionInput {
    sender: SocketSender,
}

/// The half of a session that receives the output of the process.
pub struct SessionOutput {
    incoming: Incoming,
    scanner: ExitScanner,
    held_until: Instant,
    has_code: bool,
    end: Option<StreamEnd>,
}

/// An event of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// Output, as the process wrote it.
    Output(Bytes),
    /// The process has ended.
    Exited(ExitCode),
    /// A session without exit codes, such as a resource's console, has ended.
    Ended,
}

/// The exit code of a remote process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode(pub i32);

/// Why a session ended before its process.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// The rack's message, sent inside the socket.
    #[error("{0}")]
    Refused(String),
    /// The rack ended the stream without an exit code.
    #[error("the session ended without an exit code")]
    NoExitCode,
    /// The connection broke. The process may still run.
    #[error("the session broke off: {0}")]
    Broken(#[source] CloseReason),
}

impl ExitCode {
    /// The code as shells see it, from 0 to 255. Nonzero codes stay nonzero.
    pub fn status(self) -> u8 {
        match u8::try_from(self.0 & 0xFF) {
            Ok(0) if self.0 != 0 => 1,
            status => status.unwrap_or(1),
        }
    }
}

impl Rack {
    /// Runs a command in a process (socket `/apps/{app}/processes/{pid}/exec`; v2, v3). On v3 racks
    /// the id may be a service's name.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// use convox_client::rack::{ExecOptions, SessionEvent};
    ///
    /// let options = ExecOptions { command: "uname -a".to_owned(), ..ExecOptions::default() };
    /// let (_input, mut output) =
    ///     rack.exec(&"web".parse()?, &"web-6f9b7c-x2x8w".parse()?, &options).await?.split();
    /// loop {
    ///     match output.next().await? {
    ///         SessionEvent::Output(bytes) => print!("{}", String::from_utf8_lossy(&bytes)),
    ///         SessionEvent::Exited(code) => std::process::exit(code.status().into()),
    ///         SessionEvent::Ended => return Ok(()),
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Handshake`] and those of the transport; refusals are returned by
    /// [`SessionOutput::next`].
    pub async fn exec(
        &self,
        app: &AppName,
        process: &ProcessId,
        options: &ExecOptions,
    ) -> Result<Session, Error> {
        let path = path!["apps", app, "processes", process, "exec"];
        let mut headers = size_headers(options.size);
        push(&mut headers, "command", &options.command);
        push(&mut headers, "entrypoint", options.entrypoint);
        push(&mut headers, "tty", options.no_tty.then_some(false));
        push(&mut headers, "disable-stdin", options.no_stdin.then_some(true));
        self.session(path, headers, true).await
    }

    /// Opens the client of a resource, such as psql (socket
    /// `/apps/{app}/resources/{name}/console`; v3). It has no exit code.
    ///
    /// # Errors
    /// As [`Rack::exec`].
    pub async fn resource_console(
        &self,
        app: &AppName,
        resource: &ResourceName,
        size: Option<WindowSize>,
    ) -> Result<Session, Error> {
        let path = path!["apps", app, "resources", resource, "console"];
        self.session(path, size_headers(size), false).await
    }

    /// Opens a shell on an instance, or runs a command there (socket `/instances/{id}/shell`; v2,
    /// v3). `private_key` is the content of the key file, which v3 racks ask for.
    ///
    /// # Errors
    /// As [`Rack::exec`].
    pub async fn instance_shell(
        &self,
        instance: &str,
        command: Option<&str>,
        private_key: Option<&[u8]>,
        size: Option<WindowSize>,
    ) -> Result<Session, Error> {
        let mut headers = size_headers(size);
        push(&mut headers, "command", command);
        push(&mut headers, "private-key", private_key.map(|key| BASE64_STANDARD.encode(key)));
        self.session(path!["instances", instance, "shell"], headers, true).await
    }

    /// Opens a session. The handshake is repeated only if it certainly has not reached the rack:
    /// a command must not be run twice.
    pub(super) async fn session(
        &self,
        path: Path,
        headers: Headers,
        has_code: bool,
    ) -> Result<Session, Error> {
        let socket = self.client.open_command(&path, &headers).await?;
        let (sender, receiver) = socket.split();
        let output = SessionOutput {
            incoming: Incoming::new(self.client.clone(), receiver),
            scanner: ExitScanner::new(),
            held_until: Instant::now(),
            has_code,
            end: None,
        };
        Ok(Session { input: SessionInput { sender }, output })
    }
}

/// The headers with the size of the terminal.
pub(super) fn size_headers(size: Option<WindowSize>) -> Headers {
    let Some(WindowSize { rows, columns }) = size else { return Headers::new() };
    vec![("height", rows.to_string()), ("width", columns.to_string())]
}

pub(super) fn push(headers: &mut Headers, name: &'static str, value: impl ToParam) {
    headers.extend(value.to_param().map(|text| (name, text)));
}

impl Session {
    /// Splits the session into its two directions, which can be used at the same time.
    pub fn split(self) -> (SessionInput, SessionOutput) {
        (self.input, self.output)
    }
}

impl SessionInput {
    /// Sends input to the process.
    ///
    /// # Errors
    /// [`SessionError::Broken`]; the other half may still return output.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), SessionError> {
        self.sender.send(bytes).await.map_err(SessionError::Broken)
    }

    /// Ends the input. The process may keep running and writing output.
    ///
    /// # Errors
    /// As [`SessionInput::write`].
    pub async fn finish(&mut self) -> Result<(), SessionError> {
        self.sender.end().await.map_err(SessionError::Broken)
    }

    /// Reports a new size of the terminal to the rack. The API of v2 and v3 racks has no message
    /// for it, so it travels as the payload of a ping, `resize ROWSxCOLUMNS`: the development rack
    /// resizes the process's terminal, other racks respond as to any ping.
    ///
    /// # Errors
    /// As [`SessionInput::write`].
    pub async fn resize(&mut self, size: WindowSize) -> Result<(), SessionError> {
        let payload = format!("resize {}x{}", size.rows, size.columns);
        self.sender.ping(payload.as_bytes()).await.map_err(SessionError::Broken)
    }
}

impl SessionOutput {
    /// Returns the next event. Cancel-safe. Output is returned as soon as it arrives, except for the
    /// beginning of an exit marker, which is held back for a moment.
    ///
    /// # Errors
    /// [`SessionError`], after all output.
    pub async fn next(&mut self) -> Result<SessionEvent, SessionError> {
        loop {
            if let Some(end) = self.end.take() {
                return self.conclude(end);
            }
            let received = if self.scanner.holds_beginning() {
                match timeout_at(self.held_until, self.incoming.next()).await {
                    Ok(received) => received,
                    Err(_) => return Ok(SessionEvent::Output(self.scanner.release())),
                }
            } else {
                self.incoming.next().await
            };
            match received {
                Ok(Received::Data(data)) => {
                    let output = self.take(data);
                    if !output.is_empty() {
                        return Ok(SessionEvent::Output(output));
                    }
                }
                Ok(Received::End) => self.end = Some(std::mem::take(&mut self.scanner).finish()),
                Ok(Received::Refused(message)) => return Err(SessionError::Refused(message)),
                // The exit code has arrived, only the end frame is missing.
                Err(_) if self.has_code && self.scanner.has_code() => {
                    self.end = Some(std::mem::take(&mut self.scanner).finish());
                }
                // The next call reports the broken connection.
                Err(reason) => match std::mem::take(&mut self.scanner).finish().output {
                    held if held.is_empty() => return Err(SessionError::Broken(reason)),
                    held => return Ok(SessionEvent::Output(held)),
                },
            }
        }
    }

    fn take(&mut self, data: Bytes) -> Bytes {
        if !self.has_code {
            return data;
        }
        let output = self.scanner.push(data);
        self.held_until = Instant::now() + MARKER_FOLLOWS;
        output
    }

    /// The output comes before the end.
    fn conclude(&mut self, mut end: StreamEnd) -> Result<SessionEvent, SessionError> {
        if !end.output.is_empty() {
            let output = std::mem::take(&mut end.output);
            self.end = Some(end);
            return Ok(SessionEvent::Output(output));
        }
        match (end.error, end.code) {
            (Some(message), _) => Err(SessionError::Refused(message)),
            (None, Some(code)) => Ok(SessionEvent::Exited(ExitCode(code))),
            (None, None) if self.has_code => Err(SessionError::NoExitCode),
            (None, None) => Ok(SessionEvent::Ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_never_turned_into_a_success() {
        for (code, status) in [(0, 0), (7, 7), (-1, 255), (256, 1), (257, 1), (i32::MIN, 1)] {
            assert_eq!(ExitCode(code).status(), status, "{code}");
        }
    }
}
