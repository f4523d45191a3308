use std::io::Write;

use super::super::logs::LogWriter;
use super::{FailureView, OutputError, Renderer, Stream, built, common, finish, start};
use crate::event::{Event, ProgramOutput, Upload};

/// The form of 3.x clients.
pub(crate) struct V3 {
    log: LogWriter,
}

impl V3 {
    pub(crate) fn new(log: LogWriter) -> Self {
        Self { log }
    }
}

impl Renderer for V3 {
    fn render(&mut self, event: &Event, to: &mut Stream) -> Result<(), OutputError> {
        match event {
            Event::Packaging => start("Packaging source", to),
            Event::Uploading(Upload::Object) => start("Uploading source", to),
            Event::Uploaded { upload: Upload::Object, .. } | Event::Running(_) => {
                finish("OK", None, to)
            }
            Event::BuildLog(bytes) | Event::Program(ProgramOutput::Out(bytes)) => {
                self.log.write(bytes, to)
            }
            Event::Log(bytes) => self.log.write_app(None, bytes, to),
            Event::LogOf(app, bytes) => self.log.write_app(Some(app), bytes, to),
            Event::Done(_) => {
                self.log.end_line(to)?;
                common(event, to)
            }
            Event::Built { announce: true, build, release } => {
                self.log.end_line(to)?;
                built(build, release, to)
            }
            Event::Promoting(release) => {
                self.log.end_line(to)?;
                start(&format!("Promoting {release}"), to)?;
                to.print("\n")?; // log lines follow
                Ok(to.flush()?)
            }
            Event::Deploying(_)
            | Event::About(..)
            | Event::PackProgress { .. }
            | Event::Packaged
            | Event::Uploading(Upload::WithBuild)
            | Event::Progress { .. }
            | Event::Uploaded { upload: Upload::WithBuild, .. }
            | Event::StartingBuild
            | Event::BuildStarted(_)
            | Event::Built { announce: false, .. }
            | Event::WaitingForApp
            | Event::AppReady
            | Event::Accepted(_)
            | Event::Waiting(_)
            | Event::Process(_)
            | Event::Program(ProgramOutput::Err(_))
            | Event::Step(_)
            | Event::LogFollows
            | Event::Line(_)
            | Event::Transfer(_) => common(event, to),
        }
    }

    fn end(&mut self, failure: Option<&FailureView>, to: &mut Stream) -> Result<(), OutputError> {
        if failure.is_some() { self.log.end_line(to) } else { Ok(()) }
    }
}
