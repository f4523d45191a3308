//! The renderers of events: the form of the guide, that of 3.x clients, JSON lines, or nothing.

mod classic;
mod json;
mod quiet;
mod v3;

use std::io::Write;

use super::color::Role;
use super::sanitize::sanitize;
use serde::Serialize;

use super::stdio::{OutputError, Stream};
use crate::event::Event;
use convox_wire::{BuildId, Process, ReleaseId};

pub(crate) use classic::Classic;
pub(crate) use json::Json;
pub(crate) use quiet::Quiet;
pub(crate) use v3::V3;

/// Draws events. Every renderer lists every event, so that a new one can't be forgotten.
pub(crate) trait Renderer: Send {
    /// Draws an event.
    fn render(&mut self, event: &Event, to: &mut Stream) -> Result<(), OutputError>;

    /// Returns whether people see the events, so that a terminal can show how long a step takes.
    fn is_for_people(&self) -> bool {
        true
    }

    /// Returns whether the renderer draws the progress of uploads itself.
    fn has_bar(&self) -> bool {
        false
    }

    /// Ends the run's output, with its failure if there is one. Only JSON events report it.
    fn end(&mut self, _failure: Option<&FailureView>, _to: &mut Stream) -> Result<(), OutputError> {
        Ok(())
    }
}

/// A failed run, as the event `failed` reports it.
#[derive(Debug, Serialize)]
pub(crate) struct FailureView {
    /// `failed`, `usage`, `timed_out` or `interrupted`.
    pub(crate) kind: &'static str,
    /// What failed and why.
    pub(crate) error: String,
    /// Lines of a log that tell more.
    pub(crate) details: Vec<String>,
    /// What to do next.
    pub(crate) hints: Vec<String>,
}

/// Begins a step: `Doing something... `, without a line end.
fn start(text: &str, to: &mut Stream) -> Result<(), OutputError> {
    to.print(&format!("{}... ", sanitize(text)))?;
    Ok(to.flush()?)
}

/// Ends the line of a step with a word and the id of what was created.
fn finish(word: &str, made: Option<&str>, to: &mut Stream) -> Result<(), OutputError> {
    let word = to.caps().color.paint(Role::Ok, word);
    let made = made.map_or(String::new(), |made| format!(", {}", sanitize(made)));
    to.print(&format!("{word}{made}\n"))?;
    Ok(to.flush()?)
}

/// Prints the ids of a build and its release.
fn built(build: &BuildId, release: &ReleaseId, to: &mut Stream) -> Result<(), OutputError> {
    let (build, release) = (sanitize(build.as_str()), sanitize(release.as_str()));
    to.print(&format!("Build:   {build}\nRelease: {release}\n"))
}

/// Draws the events that look the same in both styles.
fn common(event: &Event, to: &mut Stream) -> Result<(), OutputError> {
    match event {
        Event::StartingBuild => start("Starting build", to),
        Event::BuildStarted(_) | Event::Packaged | Event::AppReady => finish("OK", None, to),
        Event::WaitingForApp => start("Waiting for app to be ready", to),
        Event::Step(text) => start(text, to),
        Event::LogFollows => {
            to.print("\n")?;
            Ok(to.flush()?)
        }
        Event::Done(made) => finish("OK", made.as_deref(), to),
        Event::Transfer(_) => Ok(()), // drawn beside the events
        Event::Line(text) => Ok(to.print(&format!("{}\n", sanitize(text)))?),
        Event::Process(process) => Ok(to.print(&process_line(process))?),
        Event::Deploying(_)
        | Event::About(..)
        | Event::Packaging
        | Event::PackProgress { .. }
        | Event::Uploading(_)
        | Event::Progress { .. }
        | Event::Uploaded { .. }
        | Event::BuildLog(_)
        | Event::Program(_) // on stderr, if not drawn by the style
        | Event::Built { .. }
        | Event::Promoting(_)
        | Event::Accepted(_)
        | Event::Waiting(_)
        | Event::Log(_)
        | Event::LogOf(..)
        | Event::Running(_) => Ok(()),
    }
}

/// Formats a process as 3.x clients do.
fn process_line(process: &Process) -> String {
    let (id, name) = (sanitize(process.id.as_str()), sanitize(&process.name));
    format!("  {id:<32}  {name:<12}  {}\n", sanitize(process.status.as_str()))
}
