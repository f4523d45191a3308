use std::io::Write;
use std::time::Instant;

use super::super::logs::LogWriter;
use super::super::progress::Progress;
use super::super::sanitize::sanitize;
use super::{FailureView, OutputError, Renderer, Stream, built, common, finish, start};
use crate::event::{Event, ProgramOutput};

/// The form of the guide.
pub(crate) struct Classic {
    bar: Option<Progress>,
    log: LogWriter,
}

impl Classic {
    pub(crate) fn new(log: LogWriter) -> Self {
        Self { bar: None, log }
    }
}

impl Renderer for Classic {
    fn render(&mut self, event: &Event, to: &mut Stream) -> Result<(), OutputError> {
        match event {
            Event::Deploying(app) => {
                to.print(&format!("Deploying {}\n", sanitize(app.as_str())))?;
                Ok(to.flush()?)
            }
            Event::Packaging => start("Creating tarball", to),
            Event::Uploading(_) => {
                self.bar = Some(Progress::new("Uploading", to.caps(), Instant::now()));
                Ok(())
            }
            Event::Progress { sent, total } => match &mut self.bar {
                Some(bar) => Ok(bar.update(*sent, *total, to.width(), Instant::now(), to)?),
                None => Ok(()),
            },
            Event::Uploaded { total, .. } => match self.bar.take() {
                Some(bar) => Ok(bar.finish(*total, to.width(), Instant::now(), to)?),
                None => Ok(()),
            },
            Event::BuildLog(bytes) | Event::Program(ProgramOutput::Out(bytes)) => {
                self.log.write(bytes, to)
            }
            Event::Log(bytes) => self.log.write_app(None, bytes, to),
            Event::LogOf(app, bytes) => self.log.write_app(Some(app), bytes, to),
            Event::Done(_) => {
                self.log.end_line(to)?;
                common(event, to)
            }
            Event::Built { announce: true, build, release } => built(build, release, to),
            Event::Promoting(release) => {
                self.log.end_line(to)?;
                start(&format!("Promoting {release}"), to)
            }
            Event::Accepted(_) => finish("UPDATING", None, to),
            Event::Waiting(release) => start(&format!("Waiting for {release}"), to),
            Event::Running(_) => finish("OK", None, to),
            Event::About(..)
            | Event::PackProgress { .. }
            | Event::Packaged
            | Event::StartingBuild
            | Event::BuildStarted(_)
            | Event::Built { announce: false, .. }
            | Event::WaitingForApp
            | Event::AppReady
            | Event::Process(_)
            | Event::Program(ProgramOutput::Err(_))
            | Event::Step(_)
            | Event::LogFollows
            | Event::Line(_)
            | Event::Transfer(_) => common(event, to),
        }
    }

    fn has_bar(&self) -> bool {
        true
    }

    fn end(&mut self, failure: Option<&FailureView>, to: &mut Stream) -> Result<(), OutputError> {
        if let Some(bar) = self.bar.take() {
            bar.abandon(to)?;
        }
        if failure.is_some() { self.log.end_line(to) } else { Ok(()) }
    }
}
