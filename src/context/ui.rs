//! One renderer for a run, shared by all who have something to tell.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::Event;
use crate::outcome::CommandError;
use crate::output::sanitize::sanitize;
use crate::output::stdio::{OutputError, Stdio};
use crate::output::{Document, RenderContext, Renderer, Value, notice};

/// The streams and the renderer of a run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ui(Arc<Mutex<Inner>>);

struct Inner {
    stdio: Stdio,
    renderer: Box<dyn Renderer>,
    to_stderr: bool,
}

impl Ui {
    /// A ui with this renderer. With `to_stderr`, stdout is left to an id.
    pub(crate) fn new(stdio: Stdio, renderer: Box<dyn Renderer>, to_stderr: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner { stdio, renderer, to_stderr })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells an event.
    pub(crate) fn render(&self, event: &Event) -> Result<(), CommandError> {
        let Inner { stdio, renderer, to_stderr } = &mut *self.inner();
        let stream = if *to_stderr { &mut stdio.err } else { &mut stdio.out };
        Ok(renderer.render(event, stream)?)
    }

    /// Tells a notice or a warning. That nobody can read it is no failure.
    pub(crate) fn notice(&self, event: &Event) {
        drop(notice(event, &mut self.inner().stdio));
    }

    /// Writes a line to stderr, sanitize whatever a rack has put into it. That nobody can read it
    /// is no failure.
    pub(crate) fn error_line(&self, line: &str) {
        drop(self.inner().stdio.error_line(&sanitize(line)));
    }

    /// Tells a failure on stderr. That nobody can read it is no failure of its own: the exit code
    /// says it too.
    pub(crate) fn error(&self, failure: &CommandError) {
        drop(self.inner().stdio.error(&failure.to_string()));
    }

    /// Shows a value to people.
    pub(crate) fn view(&self, value: &dyn Value, rc: &RenderContext) -> Result<(), CommandError> {
        let out = &mut self.inner().stdio.out;
        let caps = *out.caps();
        Ok(value.render(rc).write(&caps, out).map_err(OutputError::from)?)
    }

    /// Writes a document for programs.
    pub(crate) fn document(&self, document: &dyn Document) -> Result<(), CommandError> {
        Ok(document.write_json(&mut self.inner().stdio.out).map_err(OutputError::from)?)
    }

    /// Writes an id, alone on stdout: as it is for programs, sanitize on a terminal.
    pub(crate) fn id(&self, id: &str) -> Result<(), CommandError> {
        let out = &mut self.inner().stdio.out;
        let id = if out.caps().is_terminal { sanitize(id) } else { id.into() };
        Ok(out.print(&format!("{id}\n"))?)
    }

    /// Clears the screen before what follows, on a terminal.
    pub(crate) fn clear(&self) -> Result<(), CommandError> {
        let out = &mut self.inner().stdio.out;
        if out.caps().redraws { Ok(out.print("\u{1b}[H\u{1b}[2J")?) } else { Ok(()) }
    }

    /// Writes text as it is.
    pub(crate) fn print(&self, text: &str) -> Result<(), CommandError> {
        Ok(self.inner().stdio.out.print(text)?)
    }

    /// Asks on the terminal: on stdout, or on stderr where stdout is left to an id.
    pub(crate) fn ask(&self, question: &str) -> Result<(), CommandError> {
        let Inner { stdio, to_stderr, .. } = &mut *self.inner();
        let stream = if *to_stderr { &mut stdio.err } else { &mut stdio.out };
        stream.print(question)?;
        Ok(std::io::Write::flush(stream).map_err(OutputError::from)?)
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&self) -> Result<(), CommandError> {
        Ok(self.inner().stdio.flush()?)
    }

    /// Is the output a terminal?
    pub(crate) fn is_terminal(&self) -> bool {
        self.inner().stdio.out.caps().is_terminal
    }

    /// Is somebody there who can be asked?
    pub(crate) fn can_ask(&self) -> bool {
        self.inner().stdio.stdin_is_terminal
    }

    /// Ends the run's output, with its failure if any.
    pub(crate) fn end(&self, failure: Option<&CommandError>) -> Result<(), CommandError> {
        let Inner { stdio, renderer, to_stderr } = &mut *self.inner();
        let stream = if *to_stderr { &mut stdio.err } else { &mut stdio.out };
        let words = failure.map(ToString::to_string);
        let ended = renderer.end(words.as_deref(), stream);
        stdio.out.flush().map_err(OutputError::from)?;
        if let Some(words) = words {
            // Where stderr is closed too, the exit code says it.
            drop(stdio.error(&words));
        }
        Ok(ended?)
    }
}
