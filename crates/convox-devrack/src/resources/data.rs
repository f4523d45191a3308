//! Dumps of resources: exported, and loaded again.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::{Stream, StreamExt, stream};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::engine::{Import, Marks, driver};
use super::place::Place;
use super::server::Server;
use super::{Known, Resources};
use crate::error::Refusal;
use crate::runner::{Tail, each_line, ending};
use crate::{objects, removal};
use convox_wire::AppName;

/// The size of one read, in bytes.
const STEP: usize = 64 << 10;
/// Where a dump is searched for marks of its beginning and its end, in bytes.
const EDGE: u64 = 1 << 10;

impl Resources {
    /// Exports a dump. A dump that fails later than at its beginning ends with an error.
    pub(crate) async fn export(
        &self,
        app: &AppName,
        name: &str,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + use<>, Refusal> {
        let place = self.running(app, name)?;
        let client = driver(place.engine).export(&place);
        let client = client.ok_or_else(|| unavailable("export", &place))?;
        let mut command = client.command(&place).map_err(Refusal::bad_request)?;
        self.context.mark(&place, &mut command)?;
        let mut dump = Dump::start(&mut command)?;
        let failed = |error: io::Error| Refusal::internal(error.to_string());
        let first = dump.next().await.map_err(failed)?;
        let rest = stream::try_unfold(dump, |mut dump| async move {
            Ok(dump.next().await?.map(|piece| (piece, dump)))
        });
        Ok(stream::iter(first.map(Ok)).chain(rest))
    }

    /// Receives a dump as a whole, so that a transfer that is cut changes nothing.
    pub(crate) async fn receive(
        &self,
        app: &AppName,
        name: &str,
        body: Body,
        max: u64,
    ) -> Result<NamedTempFile, Refusal> {
        let place = self.running(app, name)?;
        if driver(place.engine).import(&place).is_none() {
            return Err(unavailable("import", &place));
        }
        let received = NamedTempFile::new_in(&place.directory)?;
        let mut file = tokio::fs::File::from_std(received.as_file().try_clone()?);
        objects::receive(&mut file, body.into_data_stream(), max).await?;
        Ok(received)
    }

    /// Loads a dump that was received.
    pub(crate) async fn import(
        &self,
        app: &AppName,
        name: &str,
        dump: NamedTempFile,
    ) -> Result<(), Refusal> {
        let place = self.running(app, name)?;
        match driver(place.engine).import(&place) {
            None => Err(unavailable("import", &place)),
            Some(Import::Client { client, marks }) => {
                check_end(&dump, &marks)?;
                let mut command = client.command(&place).map_err(Refusal::bad_request)?;
                self.context.mark(&place, &mut command)?;
                load(&mut command, &dump).await
            }
            Some(Import::File { name: file, begins }) => {
                check_beginning(&dump, begins, &place)?;
                self.replace(app, name, file, dump).await
            }
        }
    }

    /// Replaces a file of a server's data, and starts the server again. If it does not start, it
    /// gets its data back.
    async fn replace(
        &self,
        app: &AppName,
        name: &str,
        file: &str,
        dump: NamedTempFile,
    ) -> Result<(), Refusal> {
        let servers = self.servers(app);
        let mut servers = servers.lock().await;
        let server = servers.remove(name).ok_or_else(|| not_running(name))?;
        let place = server.place.clone();
        server.stop().await;
        let (target, before) = (place.data.join(file), place.data.join("before-import"));
        let had_data = target.exists();
        let swapped = (|| {
            if had_data {
                fs::rename(&target, &before)?;
            }
            dump.persist(&target).map_err(|error| error.error)
        })();
        let started = match swapped {
            Ok(_) => Server::start(&self.context, place.clone()).await,
            Err(error) => Err(error.to_string()),
        };
        let (server, outcome) = match started {
            Ok(server) => (server, Ok(())),
            Err(reason) => {
                restore(&target, &before, had_data)?;
                let server = Server::start(&self.context, place).await;
                let server = server.map_err(Refusal::internal)?;
                let message = format!("the dump can't be loaded; the data is as before: {reason}");
                (server, Err(Refusal::bad_request(message)))
            }
        };
        if outcome.is_ok() && had_data {
            fs::remove_file(&before)?;
        }
        self.add(&mut servers, server);
        outcome
    }

    /// Returns a resource that is running, or why not.
    pub(super) fn running(&self, app: &AppName, name: &str) -> Result<Arc<Place>, Refusal> {
        let known = self.of(app, name).filter(Known::is_running);
        known.map(|known| known.place).ok_or_else(|| not_running(name))
    }
}

fn restore(target: &std::path::Path, before: &std::path::Path, had_data: bool) -> io::Result<()> {
    removal::remove(target)?;
    if had_data { fs::rename(before, target) } else { Ok(()) }
}

fn not_running(name: &str) -> Refusal {
    let message = format!("resource {name} is not running on this rack");
    Refusal::new(StatusCode::BAD_REQUEST, message)
}

/// The message of v3 racks.
pub(super) fn unavailable(what: &str, place: &Place) -> Refusal {
    Refusal::bad_request(format!("{what} not available for resources of type: {}", place.kind))
}

/// Refuses a dump that was cut.
fn check_end(dump: &NamedTempFile, marks: &Marks) -> Result<(), Refusal> {
    let mut file = dump.reopen()?;
    let has = |text: &[u8], mark: &str| String::from_utf8_lossy(text).contains(mark);
    let mut edge = Vec::new();
    (&mut file).take(EDGE).read_to_end(&mut edge)?;
    if !has(&edge, marks.begin) {
        return Ok(());
    }
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(EDGE)))?;
    edge.clear();
    file.read_to_end(&mut edge)?;
    match has(&edge, marks.end) {
        true => Ok(()),
        false => Err(Refusal::bad_request("the dump is not complete: its end is missing")),
    }
}

fn check_beginning(dump: &NamedTempFile, begins: &[u8], place: &Place) -> Result<(), Refusal> {
    let mut beginning = vec![0; begins.len()];
    let read = dump.reopen()?.read_exact(&mut beginning);
    if read.is_ok() && beginning == begins {
        return Ok(());
    }
    let kind = &place.kind;
    Err(Refusal::bad_request(format!("the dump is not one of {kind}: it does not begin like one")))
}

/// Runs a command that reads a dump.
async fn load(command: &mut Command, dump: &NamedTempFile) -> Result<(), Refusal> {
    command.stdin(dump.reopen()?).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (tail, stderr) = (Tail::default(), child.stderr.take());
    let errors = watch(stderr, &tail);
    let status = child.wait().await?;
    // A panic there is reported by the runtime.
    let _ = errors.await;
    match status.success() {
        true => Ok(()),
        false => Err(Refusal::bad_request(said("the dump can't be loaded", status, &tail))),
    }
}

/// Keeps the last lines of a stream.
fn watch(from: Option<impl AsyncRead + Unpin + Send + 'static>, tail: &Tail) -> JoinHandle<()> {
    let tail = tail.clone();
    tokio::spawn(async move {
        if let Some(from) = from {
            each_line(from, |line| tail.push(line)).await;
        }
    })
}

/// Describes a failure: by the first error of a program, or else by how it ended.
fn said(what: &str, status: ExitStatus, tail: &Tail) -> String {
    let lines = tail.lines();
    let is_error = |line: &&String| line.to_lowercase().contains("error");
    let line = lines.iter().find(is_error).or(lines.last());
    match line {
        Some(line) => format!("{what}: {}", line.trim()),
        None => format!("{what}: the program {}", ending(status)),
    }
}

/// A program that prints a dump.
struct Dump {
    child: Child,
    output: ChildStdout,
    errors: JoinHandle<()>,
    tail: Tail,
}

impl Dump {
    fn start(command: &mut Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let tail = Tail::default();
        let errors = watch(child.stderr.take(), &tail);
        Ok(Self { child, output, errors, tail })
    }

    /// Returns the next piece; `None` at the end of a complete dump.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut piece = vec![0; STEP];
        let count = self.output.read(&mut piece).await?;
        if count > 0 {
            piece.truncate(count);
            return Ok(Some(piece.into()));
        }
        let status = self.child.wait().await?;
        // A panic there is reported by the runtime.
        let _ = (&mut self.errors).await;
        match status.success() {
            true => Ok(None),
            false => Err(io::Error::other(said("the export failed", status, &self.tail))),
        }
    }
}
