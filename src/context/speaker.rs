//! One voice for a run, shared by all who have something to tell.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::Event;
use crate::outcome::Failure;
use crate::output::escape::harmless;
use crate::output::stdio::{OutputError, Stdio};
use crate::output::{Document, Sight, Value, Voice, aside};

/// The streams and the voice of a run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Speaker(Arc<Mutex<Inner>>);

struct Inner {
    stdio: Stdio,
    voice: Box<dyn Voice>,
    to_stderr: bool,
}

impl Speaker {
    /// A speaker with this voice. With `to_stderr`, stdout is left to an id.
    pub(crate) fn new(stdio: Stdio, voice: Box<dyn Voice>, to_stderr: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner { stdio, voice, to_stderr })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells an event.
    pub(crate) fn say(&self, event: &Event) -> Result<(), Failure> {
        let Inner { stdio, voice, to_stderr } = &mut *self.inner();
        let stream = if *to_stderr { &mut stdio.err } else { &mut stdio.out };
        Ok(voice.say(event, stream)?)
    }

    /// Tells a notice or a warning. That nobody can read it is no failure.
    pub(crate) fn aside(&self, event: &Event) {
        drop(aside(event, &mut self.inner().stdio));
    }

    /// Writes a line to stderr, harmless whatever a rack has put into it. That nobody can read it
    /// is no failure.
    pub(crate) fn error_line(&self, line: &str) {
        drop(self.inner().stdio.error_line(&harmless(line)));
    }

    /// Tells a failure on stderr. That nobody can read it is no failure of its own: the exit code
    /// says it too.
    pub(crate) fn error(&self, failure: &Failure) {
        drop(self.inner().stdio.error(&failure.to_string()));
    }

    /// Shows a value to people.
    pub(crate) fn show(&self, value: &dyn Value, sight: &Sight) -> Result<(), Failure> {
        let out = &mut self.inner().stdio.out;
        let look = *out.look();
        Ok(value.show(sight).write(&look, out).map_err(OutputError::from)?)
    }

    /// Writes a document for programs.
    pub(crate) fn document(&self, document: &dyn Document) -> Result<(), Failure> {
        Ok(document.write_json(&mut self.inner().stdio.out).map_err(OutputError::from)?)
    }

    /// Writes an id, alone on stdout: as it is for programs, harmless on a terminal.
    pub(crate) fn id(&self, id: &str) -> Result<(), Failure> {
        let out = &mut self.inner().stdio.out;
        let id = if out.look().is_terminal { harmless(id) } else { id.into() };
        Ok(out.print(&format!("{id}\n"))?)
    }

    /// Clears the screen before what follows, on a terminal.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        let out = &mut self.inner().stdio.out;
        if out.look().redraws { Ok(out.print("\u{1b}[H\u{1b}[2J")?) } else { Ok(()) }
    }

    /// Writes text as it is.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        Ok(self.inner().stdio.out.print(text)?)
    }

    /// Asks on the terminal: on stdout, or on stderr where stdout is left to an id.
    pub(crate) fn ask(&self, question: &str) -> Result<(), Failure> {
        let Inner { stdio, to_stderr, .. } = &mut *self.inner();
        let stream = if *to_stderr { &mut stdio.err } else { &mut stdio.out };
        stream.print(question)?;
        Ok(std::io::Write::flush(stream).map_err(OutputError::from)?)
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&self) -> Result<(), Failure> {
        Ok(self.inner().stdio.flush()?)
    }

    /// Is the output a terminal?
    pub(crate) fn is_terminal(&self) -> bool {
        self.inner().stdio.out.look().is_terminal
    }

    /// Is somebody there who can be asked?
    pub(crate) fn can_ask(&self) -> bool {
        self.inner().stdio.stdin_is_terminal
    }

    /// Ends the run's output, with its failure if any.
    pub(crate) fn end(&self, failure: Option<&Failure>) -> Result<(), Failure> {
        let Inner { stdio, voice, to_stderr } = &mut *self.inner();
        let stream = if *to_stderr { &mut stdio.err } else { &mut stdio.out };
        let words = failure.map(ToString::to_string);
        let ended = voice.end(words.as_deref(), stream);
        stdio.out.flush().map_err(OutputError::from)?;
        if let Some(words) = words {
            // Where stderr is closed too, the exit code says it.
            drop(stdio.error(&words));
        }
        Ok(ended?)
    }
}
