use std::io::Write;

use memchr::memchr;
use serde::Serialize;

use super::super::json;
use super::super::stdio::OutputError;
use super::{FailureView, Renderer, Stream};
use crate::event::Event;
use convox_wire::{AppName, BuildId, ProcessId, ProcessStatus, ReleaseId};

/// The maximum length of a log line in an event: 1 MiB. Longer lines become several events.
const MAX_LINE: usize = 1 << 20;

/// JSON lines: one event per line, the last one with the outcome and the ids.
#[derive(Default)]
pub(crate) struct Json {
    seen: Ids,
    /// The start of an incomplete log line.
    partial: Vec<u8>,
    source: Source,
}

/// The ids that have been seen.
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
        /// Which of several apps.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<&'a AppName>,
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
        #[serde(flatten)]
        failure: &'a FailureView,
    },
}

impl Renderer for Json {
    fn render(&mut self, event: &Event, to: &mut Stream) -> Result<(), OutputError> {
        self.remember(event);
        match event {
            Event::BuildLog(bytes) => self.lines(Source::Build, bytes, to),
            Event::Log(bytes) => self.lines(Source::App, bytes, to),
            Event::LogOf(app, bytes) => self.lines(Source::AppOf(app.clone()), bytes, to),
            other => match line(other) {
                Some(line) => write(&line, to),
                None => Ok(()),
            },
        }
    }

    fn is_for_people(&self) -> bool {
        false
    }

    fn end(&mut self, failure: Option<&FailureView>, to: &mut Stream) -> Result<(), OutputError> {
        self.write_rest(to)?;
        match failure {
            Some(failure) => write(&Line::Failed { ids: &self.seen, failure }, to),
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
        Event::About(..)
        | Event::PackProgress { .. }
        | Event::Progress { .. }
        | Event::BuildLog(_)
        | Event::Log(_)
        | Event::LogOf(..)
        | Event::Program(_)
        | Event::Step(_)
        | Event::LogFollows
        | Event::Done(_)
        | Event::Line(_)
        | Event::Transfer(_) => return None,
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
            Event::Packaging
            | Event::PackProgress { .. }
            | Event::Packaged
            | Event::Uploading(_)
            | Event::Progress { .. }
            | Event::Uploaded { .. }
            | Event::StartingBuild
            | Event::BuildLog(_)
            | Event::WaitingForApp
            | Event::AppReady
            | Event::Accepted(_)
            | Event::Waiting(_)
            | Event::Log(_)
            | Event::LogOf(..)
            | Event::Process(_)
            | Event::Running(_)
            | Event::Program(_)
            | Event::Step(_)
            | Event::LogFollows
            | Event::Done(_)
            | Event::Line(_)
            | Event::Transfer(_) => {}
        }
    }

    /// Writes an event for each complete line. Invalid UTF-8 is replaced.
    fn lines(&mut self, source: Source, bytes: &[u8], to: &mut Stream) -> Result<(), OutputError> {
        self.source = source;
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            self.append(&rest[..end], to)?;
            self.write_line(self.partial.len(), to)?;
            rest = &rest[end + 1..];
        }
        self.append(rest, to)
    }

    /// Appends to the partial line, and writes it where it becomes too long.
    fn append(&mut self, bytes: &[u8], to: &mut Stream) -> Result<(), OutputError> {
        let mut rest = bytes;
        while self.partial.len() + rest.len() > MAX_LINE {
            let (now, later) = rest.split_at(MAX_LINE - self.partial.len());
            self.partial.extend_from_slice(now);
            self.write_line(complete_len(&self.partial), to)?;
            rest = later;
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// Writes an event for the first `length` bytes of the partial line.
    fn write_line(&mut self, length: usize, to: &mut Stream) -> Result<(), OutputError> {
        let line = String::from_utf8_lossy(&self.partial[..length]);
        let written = write(&self.source.line(&line), to);
        self.partial.drain(..length);
        written
    }

    /// Writes an event for a last line without a line end.
    fn write_rest(&mut self, to: &mut Stream) -> Result<(), OutputError> {
        if self.partial.is_empty() {
            return Ok(());
        }
        self.write_line(self.partial.len(), to)
    }
}

/// Returns the length of `bytes` without an incomplete character at the end.
fn complete_len(bytes: &[u8]) -> usize {
    let is_incomplete = |at: &usize| {
        std::str::from_utf8(&bytes[*at..])
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (bytes.len().saturating_sub(3)..bytes.len()).find(is_incomplete).unwrap_or(bytes.len())
}

/// The log that a line belongs to.
#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    Build,
    App,
    /// One of several apps.
    AppOf(AppName),
}

impl Source {
    fn line<'a>(&'a self, line: &'a str) -> Line<'a> {
        match self {
            Self::Build => Line::BuildLog { line },
            Self::App => Line::Log { app: None, line },
            Self::AppOf(app) => Line::Log { app: Some(app), line },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::caps::TermCaps;
    use super::super::super::stdio::Stdio;
    use super::*;

    /// Renders a log that arrives in these pieces, and returns the `line` of each event.
    fn lines<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
        let (mut stdio, out, _) = Stdio::captured(TermCaps::plain());
        let mut renderer = Json::default();
        for piece in pieces {
            renderer.render(&Event::Log(piece.to_vec().into()), &mut stdio.out).unwrap();
            assert!(renderer.partial.len() <= MAX_LINE);
        }
        renderer.end(None, &mut stdio.out).unwrap();
        let line = |event: &str| {
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            event["line"].as_str().map(str::to_owned)
        };
        out.text().lines().filter_map(line).collect()
    }

    #[test]
    fn each_line_is_an_event_however_the_log_is_split() {
        let log = "one\n\ntwö\nend".as_bytes();
        for step in 1..=log.len() {
            assert_eq!(lines(log.chunks(step)), ["one", "", "twö", "end"]);
        }
        assert_eq!(lines([&b"a\xff\n"[..]].into_iter()), ["a\u{fffd}"]);
    }

    #[test]
    fn a_very_long_line_is_split_between_characters() {
        let line = "ä€😀".repeat(400_000);
        for before in ["", "x", "xx", "xxx"] {
            let log = format!("{before}{line}\nnext\n");
            for step in [100_000, log.len()] {
                let mut lines = lines(log.as_bytes().chunks(step));
                assert_eq!(lines.pop().as_deref(), Some("next"));
                assert!(
                    lines.len() == 4 && lines[..3].iter().all(|part| part.len() > MAX_LINE - 4)
                );
                assert!(lines.concat() == format!("{before}{line}"), "{before} {step}");
            }
        }
    }

    #[test]
    fn a_line_of_the_maximum_length_is_one_event() {
        let log = "x".repeat(MAX_LINE) + "\n";
        assert_eq!(lines(log.as_bytes().chunks(1000)).len(), 1);
    }
}
