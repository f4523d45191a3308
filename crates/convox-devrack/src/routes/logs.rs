//! Log websockets. Options are sent as headers of the handshake.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, TimeDelta};

use super::app_name;
use super::processes::process;
use crate::error::Refusal;
use crate::logs::{AppLog, AppLogReader, BuildLogReader, Selection, Shape, Streams};
use crate::options::{socket_duration, socket_flag, socket_number, socket_text};
use crate::rack::Shared;
use crate::serve::Routes;
use crate::sockets::{Socket, Source};
use crate::store::{self, BuildRecord};
use convox_wire::AppName;

/// The default of `Since`.
const SINCE: TimeDelta = TimeDelta::seconds(120);
/// How often to check whether a process whose log is followed is still running.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

pub(super) fn websockets() -> Routes {
    Router::new()
        .route("/apps/{app}/logs", get(of_app))
        .route("/apps/{app}/builds/{id}/logs", get(of_build))
        .route("/apps/{app}/services/{service}/logs", get(of_service))
        .route("/apps/{app}/processes/{pid}/logs", get(of_process))
        .route("/system/logs", get(of_rack))
}

async fn of_app(Path(app): Path<String>, socket: Socket) -> Response {
    socket.send(|rack, headers| {
        let (_, log) = log_of(rack, app)?;
        let selection = selection(rack, headers, Streams::All, (false, Shape::Prefixed))?;
        let follow = socket_flag(headers, "Follow", true);
        Ok(Lines { log: log.reader(follow), selection, ends_with: None })
    })
}

async fn of_rack(socket: Socket) -> Response {
    socket.send(|rack, headers| {
        let selection = selection(rack, headers, Streams::All, (false, Shape::Prefixed))?;
        let follow = socket_flag(headers, "Follow", true);
        Ok(Lines { log: rack.logs.system().reader(follow), selection, ends_with: None })
    })
}

/// Always follows, and ends with the process, as on v3 racks. Unlike theirs it respects `Since`.
async fn of_process(Path((app, pid)): Path<(String, String)>, socket: Socket) -> Response {
    socket.send(|rack, headers| {
        let (app, log) = log_of(rack, app)?;
        process(rack, &app, &pid)?;
        let streams = Streams::Process(pid.clone());
        let selection = selection(rack, headers, streams, (false, Shape::Prefixed))?;
        let ends_with = Some(Watch { rack: rack.clone(), app, pid });
        Ok(Lines { log: log.reader(true), selection, ends_with })
    })
}

/// Without `Tail`, v3 racks send the last ten lines of each process; this one sends everything
/// since `Since`.
async fn of_service(Path((app, service)): Path<(String, String)>, socket: Socket) -> Response {
    socket.send(|rack, headers| {
        let (_, log) = log_of(rack, app)?;
        let streams = Streams::Service(service);
        let selection = selection(rack, headers, streams, (true, Shape::Pod))?;
        let follow = socket_flag(headers, "Follow", true);
        let tail = socket_number(headers, "Tail")?;
        // With `Tail` the stored lines are collected first, up to the point where they become live.
        let log = log.reader(follow && tail.is_none());
        let lines = Lines { log, selection, ends_with: None };
        Ok(Tail { lines, count: tail, follow, kept: VecDeque::new() })
    })
}

async fn of_build(Path((app, id)): Path<(String, String)>, socket: Socket) -> Response {
    socket.send(|rack, _| {
        let app = app_name(app);
        let build: Option<BuildRecord> = rack.store.read(|tx| store::find(tx, &app, &id))?;
        let build = build.ok_or_else(|| Refusal::no_such_build(&id))?.id;
        Ok(rack.build_logs.reader(&build, rack.directories.build_log(&app, &build)))
    })
}

/// Returns the log of an app, which exists for as long as the app does.
fn log_of(rack: &Shared, app: String) -> Result<(AppName, Arc<AppLog>), Refusal> {
    let app = app_name(app);
    let log = rack.logs.app(&app).ok_or_else(|| Refusal::no_such_app(&app))?;
    Ok((app, log))
}

/// Returns the selection that the headers request. `Prefix` chooses between the bare message and
/// the `prefixed` format.
fn selection(
    rack: &Shared,
    headers: &HeaderMap,
    streams: Streams,
    (prefix, prefixed): (bool, Shape),
) -> Result<Selection, Refusal> {
    let since = socket_duration(headers, "Since")?.map_or(SINCE, |since| since.0);
    let begin = rack.clock.now().checked_sub_signed(since).unwrap_or(DateTime::UNIX_EPOCH);
    let shape = if socket_flag(headers, "Prefix", prefix) { prefixed } else { Shape::Bare };
    Ok(Selection::since(begin, shape, streams).containing(socket_text(headers, "Filter")))
}

/// The selected lines of a log.
struct Lines {
    log: AppLogReader,
    selection: Selection,
    /// The process with which the log ends.
    ends_with: Option<Watch>,
}

struct Watch {
    rack: Shared,
    app: AppName,
    pid: String,
}

impl Watch {
    /// Waits until the process is gone and its last output has had time to be written.
    async fn gone(&self) {
        while process(&self.rack, &self.app, &self.pid).is_ok() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

impl Source for Lines {
    async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            let text = match &self.ends_with {
                None => self.log.next().await?,
                Some(watch) => tokio::select! {
                    text = self.log.next() => text?,
                    () = watch.gone() => {
                        self.ends_with = None;
                        self.log.end_here();
                        continue;
                    }
                },
            };
            let Some(text) = text else { return Ok(None) };
            let chosen = self.selection.apply(text);
            if !chosen.is_empty() {
                return Ok(Some(chosen));
            }
        }
    }
}

/// The last stored lines, followed by the live ones.
struct Tail {
    lines: Lines,
    /// How many stored lines to send; `None` for all of them, or once they were sent.
    count: Option<usize>,
    follow: bool,
    kept: VecDeque<String>,
}

impl Tail {
    fn keep(&mut self, text: &str, count: usize) {
        self.kept.extend(text.split_inclusive('\n').map(str::to_owned));
        let surplus = self.kept.len().saturating_sub(count);
        self.kept.drain(..surplus);
    }
}

impl Source for Tail {
    async fn next(&mut self) -> io::Result<Option<String>> {
        while let Some(count) = self.count {
            if let Some(text) = self.lines.next().await? {
                self.keep(&text, count);
                continue;
            }
            self.count = None;
            if self.follow {
                self.lines.log.follow();
            }
            if !self.kept.is_empty() {
                return Ok(Some(self.kept.drain(..).collect()));
            }
        }
        self.lines.next().await
    }
}

impl Source for BuildLogReader {
    async fn next(&mut self) -> io::Result<Option<String>> {
        self.next_lines().await
    }
}
