use std::io::Write;

use serde::Serialize;

use super::super::json;
use super::super::stdio::OutputError;
use super::{Stream, Voice};
use crate::event::Event;
use crate::wire::{AppName, BuildId, ProcessId, ProcessStatus, ReleaseId};

/// For `--json` with a stream: one event a line, the last one with the outcome and the ids.
#[derive(Default)]
pub(crate) struct Json {
    seen: Ids,
    /// Bytes of a log line that is not complete.
    partial: Vec<u8>,
    source: Source,
}

/// What has come up on the way.
#[derive(Default, Serialize)]
struct Ids {
    app: Option<AppName>,
    build: Option<BuildId>,
    release: Option<ReleaseId>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Deploying {
        app: &'a AppName,
    },
    Packaging,
    Packaged,
    Uploading,
    Uploaded {
        bytes: u64,
        seconds: f64,
    },
    StartingBuild,
    BuildStarted {
        build: &'a BuildId,
    },
    BuildLog {
        line: &'a str,
    },
    Built {
        build: &'a BuildId,
        release: &'a ReleaseId,
    },
    WaitingForApp,
    AppReady,
    Promoting {
        release: &'a ReleaseId,
    },
    Promoted {
        release: &'a ReleaseId,
    },
    Waiting {
        release: &'a ReleaseId,
    },
    Log {
        line: &'a str,
    },
    Process {
        id: &'a ProcessId,
        service: &'a str,
        status: &'a ProcessStatus,
    },
    Running {
        release: &'a ReleaseId,
    },
    Succeeded(&'a Ids),
    Failed {
        #[serde(flatten)]
        ids: &'a Ids,
        error: &'a str,
    },
}

impl Voice for Json {
    fn say(&mut self, event: &Event, to: &mut Stream) -> Result<(), OutputError> {
        self.remember(event);
        match event {
            Event::BuildLog(bytes) => self.lines(Source::Build, bytes, to),
            Event::Log(bytes) => self.lines(Source::App, bytes, to),
            other => match line(other) {
                Some(line) => write(&line, to),
                None => Ok(()),
            },
        }
    }

    fn end(&mut self, failure: Option<&str>, to: &mut Stream) -> Result<(), OutputError> {
        self.rest(to)?;
        match failure {
            Some(error) => write(&Line::Failed { ids: &self.seen, error }, to),
            None => write(&Line::Succeeded(&self.seen), to),
        }
    }
}

fn line(event: &Event) -> Option<Line<'_>> {
    Some(match event {
        Event::Deploying(app) => Line::Deploying { app },
        Event::Packaging => Line::Packaging,
        Event::Packaged => Line::Packaged,
        Event::Uploading(_) => Line::Uploading,
        Event::Uploaded { total, took, .. } => {
            Line::Uploaded { bytes: *total, seconds: took.as_secs_f64() }
        }
        Event::StartingBuild => Line::StartingBuild,
        Event::BuildStarted(build) => Line::BuildStarted { build },
        Event::Built { build, release, .. } => Line::Built { build, release },
        Event::WaitingForApp => Line::WaitingForApp,
        Event::AppReady => Line::AppReady,
        Event::Promoting(release) => Line::Promoting { release },
        Event::Accepted(release) => Line::Promoted { release },
        Event::Waiting(release) => Line::Waiting { release },
        Event::Process(process) => {
            Line::Process { id: &process.id, service: &process.name, status: &process.status }
        }
        Event::Running(release) => Line::Running { release },
        _ => return None,
    })
}

fn write(line: &Line<'_>, to: &mut Stream) -> Result<(), OutputError> {
    let mut text = Vec::new();
    json::write(line, &mut text)?;
    text.push(b'\n');
    to.write_all(&text)?;
    Ok(to.flush()?)
}

impl Json {
    fn remember(&mut self, event: &Event) {
        match event {
            Event::Deploying(app) => self.seen.app = Some(app.clone()),
            Event::About(app, build) => {
                (self.seen.app, self.seen.build) = (Some(app.clone()), build.clone());
            }
            Event::BuildStarted(build) => self.seen.build = Some(build.clone()),
            Event::Built { release, .. } | Event::Promoting(release) => {
                self.seen.release = Some(release.clone());
            }
            _ => {}
        }
    }

    /// One event for each complete line; bytes that are no UTF-8 are replaced.
    fn lines(&mut self, source: Source, bytes: &[u8], to: &mut Stream) -> Result<(), OutputError> {
        self.source = source;
        self.partial.extend_from_slice(bytes);
        let Some(last) = self.partial.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let complete: Vec<u8> = self.partial.drain(..=last).collect();
        for line in complete[..last].split(|byte| *byte == b'\n') {
            write(&source.line(&String::from_utf8_lossy(line)), to)?;
        }
        Ok(())
    }

    /// A last line without its end.
    fn rest(&mut self, to: &mut Stream) -> Result<(), OutputError> {
        if self.partial.is_empty() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.partial);
        write(&self.source.line(&String::from_utf8_lossy(&rest)), to)
    }
}

/// Whose log a line is from.
#[derive(Debug, Clone, Copy, Default)]
enum Source {
    #[default]
    Build,
    App,
}

impl Source {
    fn line(self, line: &str) -> Line<'_> {
        match self {
            Self::Build => Line::BuildLog { line },
            Self::App => Line::Log { line },
        }
    }
}
