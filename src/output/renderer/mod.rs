//! How a long command sounds: the guide's form, that of the 3.x clients, JSON lines, or nothing
//! but notices.

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

/// Draws events.
pub(crate) trait Renderer: Send {
    /// Draws one.
    fn render(&mut self, event: &Event, to: &mut Stream) -> Result<(), OutputError>;

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
    /// What to do next.
    pub(crate) hints: Vec<String>,
}

/// `Doing something... `, left open.
fn start(text: &str, to: &mut Stream) -> Result<(), OutputError> {
    to.print(&format!("{}... ", sanitize(text)))?;
    Ok(to.flush()?)
}

/// The word that closes an open line, and what was made.
fn finish(word: &str, made: Option<&str>, to: &mut Stream) -> Result<(), OutputError> {
    let word = to.caps().color.paint(Role::Ok, word);
    let made = made.map_or(String::new(), |made| format!(", {}", sanitize(made)));
    to.print(&format!("{word}{made}\n"))?;
    Ok(to.flush()?)
}

/// What a build has made.
fn built(build: &BuildId, release: &ReleaseId, to: &mut Stream) -> Result<(), OutputError> {
    let (build, release) = (sanitize(build.as_str()), sanitize(release.as_str()));
    to.print(&format!("Build:   {build}\nRelease: {release}\n"))
}

/// What the two spoken voices share.
fn common(event: &Event, to: &mut Stream) -> Result<(), OutputError> {
    match event {
        Event::StartingBuild => start("Starting build", to),
        Event::BuildStarted(_) | Event::Packaged | Event::AppReady => finish("OK", None, to),
        Event::WaitingForApp => start("Waiting for app to be ready", to),
        Event::Step(text) => start(text, to),
        Event::Done(made) => finish("OK", made.as_deref(), to),
        Event::Line(text) => Ok(to.print(&format!("{}\n", sanitize(text)))?),
        Event::Process(process) => Ok(to.print(&process_line(process))?),
        _ => Ok(()),
    }
}

/// As the 3.x clients form it.
fn process_line(process: &Process) -> String {
    let (id, name) = (sanitize(process.id.as_str()), sanitize(&process.name));
    format!("  {id:<32}  {name:<12}  {}\n", sanitize(process.status.as_str()))
}
