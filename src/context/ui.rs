//! What a run prints, through one renderer and the two streams.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::{CommandError, Credentials, ErrorKind, Hint, HintContext};
use crate::event::{Event, ProgramOutput};
use crate::input::Input;
use crate::output::sanitize::sanitize;
use crate::output::stdio::{OutputError, Stdio};
use crate::output::{
    Document, FailureView, LogWriter, RenderContext, Renderer, Report, Reporter, TransferBar, Value,
};
use crate::signals::EndSignal;
use convox_wire::AppName;

/// The streams and the renderer of a run. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Ui {
    inner: Arc<Mutex<Inner>>,
    // Locked separately, so that output can be printed while input is awaited.
    input: Arc<Mutex<Input>>,
}

struct Inner {
    stdio: Stdio,
    renderer: Box<dyn Renderer>,
    events_to_stderr: bool,
    hints: HintContext,
    reporter: Reporter,
    debug: bool,
    bar: TransferBar,
    programs: LogWriter,
}

/// How much a line on stderr matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Something happened that is worth knowing: a retry, a resumed stream.
    Notice,
    /// Something may be a mistake.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
        })
    }
}

impl Ui {
    /// With `events_to_stderr`, stdout is left to an id.
    pub(crate) fn new(
        mut stdio: Stdio,
        renderer: Box<dyn Renderer>,
        events_to_stderr: bool,
        hints: HintContext,
        debug: bool,
    ) -> Self {
        let input = std::mem::take(&mut stdio.input);
        let caps = if events_to_stderr { stdio.err.caps() } else { stdio.out.caps() };
        let reporter = Reporter::new(caps.redraws && renderer.is_for_people(), renderer.has_bar());
        let bar = TransferBar::default();
        let programs = LogWriter::new(stdio.err.caps(), false);
        let inner =
            Inner { stdio, renderer, events_to_stderr, hints, reporter, debug, bar, programs };
        Self { inner: Arc::new(Mutex::new(inner)), input: Arc::new(Mutex::new(input)) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run's input.
    pub(crate) fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names the app that hints are about from now on.
    pub(crate) fn set_app(&self, app: &AppName) {
        self.inner().hints.app = Some(app.clone());
    }

    /// Says what the run presents to the rack or the console from now on.
    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        self.inner().hints.credentials = credentials;
    }

    /// Draws an event.
    pub(crate) fn render(&self, event: &Event) -> Result<(), CommandError> {
        let inner = &mut *self.inner();
        if let (Event::Transfer(transfer), true) = (event, inner.renderer.is_for_people()) {
            let Inner { stdio, bar, .. } = inner;
            return Ok(bar.draw(transfer, &mut stdio.err).map_err(OutputError::from)?);
        }
        if let Event::Program(output) = event
            && let Some(bytes) = inner.for_stderr(output)
        {
            let Inner { stdio, programs, .. } = inner;
            return Ok(programs.write(bytes, &mut stdio.err)?);
        }
        let Inner { stdio, renderer, events_to_stderr, reporter, .. } = inner;
        let stream = if *events_to_stderr { &mut stdio.err } else { &mut stdio.out };
        renderer.render(event, stream)?;
        let report = reporter.observe(event, Instant::now());
        Ok(inner.print_report(report)?)
    }

    /// Shows that long work goes on, if it is time to. To be called about once a second.
    pub(crate) fn tick(&self) -> Result<(), CommandError> {
        let inner = &mut *self.inner();
        let report = inner.reporter.tick(Instant::now());
        Ok(inner.print_report(report)?)
    }

    /// Prints a notice or a warning with its hints on stderr. It does not matter if stderr is
    /// closed.
    pub(crate) fn notice(&self, severity: Severity, text: &str, hints: &[Hint]) {
        let inner = &mut *self.inner();
        inner.print_notice(severity, text);
        inner.print_hints(hints);
    }

    /// Prints advice to a person: on stderr, if both streams are terminals.
    pub(crate) fn advise(&self, hint: &Hint) {
        let inner = &mut *self.inner();
        let Stdio { out, err, .. } = &inner.stdio;
        let is_read = out.caps().is_terminal && err.caps().is_terminal;
        if is_read && inner.renderer.is_for_people() && !inner.events_to_stderr {
            inner.print_hints(std::slice::from_ref(hint));
        }
    }

    /// Returns a hint as text, with the flags that say where its command acts.
    /// `None` if nothing like it can be done where this run acts.
    pub(crate) fn drawn(&self, hint: &Hint) -> Option<String> {
        hint.draw(&self.inner().hints)
    }

    /// Prints a line on stderr, sanitized. It does not matter if stderr is closed.
    pub(crate) fn error_line(&self, line: &str) {
        let _ = self.inner().stdio.error_line(&sanitize(line));
    }

    /// Prints a failure with its hints on stderr. If stderr is closed, the exit code still says it.
    pub(crate) fn error(&self, error: &CommandError) {
        self.inner().print_error(error);
    }

    /// Prints a value for people.
    pub(crate) fn view(&self, value: &dyn Value, rc: &RenderContext) -> Result<(), CommandError> {
        let out = &mut self.inner().stdio.out;
        let caps = *out.caps();
        Ok(value.render(rc).write(&caps, out).map_err(OutputError::from)?)
    }

    /// Prints a JSON document.
    pub(crate) fn document(&self, document: &dyn Document) -> Result<(), CommandError> {
        Ok(document.write_json(&mut self.inner().stdio.out).map_err(OutputError::from)?)
    }

    /// Prints an id alone on stdout: unchanged into a pipe, sanitized on a terminal.
    pub(crate) fn id(&self, id: &str) -> Result<(), CommandError> {
        let out = &mut self.inner().stdio.out;
        let id = if out.caps().is_terminal { sanitize(id) } else { id.into() };
        Ok(out.print(&format!("{id}\n"))?)
    }

    /// Clears the screen before what follows, if stdout is a terminal that can.
    pub(crate) fn clear(&self) -> Result<(), CommandError> {
        let out = &mut self.inner().stdio.out;
        if out.caps().redraws { Ok(out.print("\u{1b}[H\u{1b}[2J")?) } else { Ok(()) }
    }

    /// Prints text as it is.
    pub(crate) fn print(&self, text: &str) -> Result<(), CommandError> {
        Ok(self.inner().stdio.out.print(text)?)
    }

    /// Writes bytes as they are, at once.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), CommandError> {
        let out = &mut self.inner().stdio.out;
        out.write_all(bytes).map_err(OutputError::from)?;
        Ok(out.flush().map_err(OutputError::from)?)
    }

    /// Prints a question and leaves its line open: on stdout, or on stderr if stdout is left to an
    /// id.
    pub(crate) fn ask(&self, question: &str) -> Result<(), CommandError> {
        let Inner { stdio, events_to_stderr, .. } = &mut *self.inner();
        let stream = if *events_to_stderr { &mut stdio.err } else { &mut stdio.out };
        stream.print(question)?;
        Ok(std::io::Write::flush(stream).map_err(OutputError::from)?)
    }

    /// Leaves stdout to data: from now on events are drawn on stderr.
    pub(crate) fn leave_stdout_to_data(&self) {
        self.inner().events_to_stderr = true;
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&self) -> Result<(), CommandError> {
        Ok(self.inner().stdio.flush()?)
    }

    /// Returns whether the reader of stdout is gone.
    pub(crate) fn has_lost_reader(&self) -> bool {
        self.inner().stdio.out.has_lost_reader()
    }

    /// Returns whether stdout is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.inner().stdio.out.caps().is_terminal
    }

    /// Returns whether stderr is a terminal, so that a person sees notices.
    pub(crate) fn notices_are_seen(&self) -> bool {
        self.inner().stdio.err.caps().is_terminal
    }

    /// Returns whether stdin is a terminal, so that a person can answer.
    pub(crate) fn can_ask(&self) -> bool {
        self.input().is_terminal()
    }

    /// Ends the run's output, with its failure if there is one.
    ///
    /// # Errors
    /// Output was lost, now or before.
    pub(crate) fn end(&self, error: Option<&CommandError>) -> Result<(), CommandError> {
        let inner = &mut *self.inner();
        let failure = error.map(|error| inner.view_of(error));
        let Inner { stdio, renderer, events_to_stderr, bar, .. } = inner;
        // With stderr closed, there is no bar to remove.
        let _ = bar.abandon(&mut stdio.err);
        let stream = if *events_to_stderr { &mut stdio.err } else { &mut stdio.out };
        let ended = renderer.end(failure.as_ref(), stream);
        let flushed = stdio.out.flush().map_err(OutputError::from);
        if let Some(error) = error {
            inner.print_error(error);
        }
        ended?;
        flushed?;
        match inner.stdio.out.take_lost() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

impl Inner {
    /// What a program has printed, if it belongs on stderr: there is where the program has printed
    /// it, or stdout is left to a document.
    fn for_stderr<'a>(&self, output: &'a ProgramOutput) -> Option<&'a [u8]> {
        match output {
            ProgramOutput::Out(_) if self.renderer.is_for_people() => None,
            ProgramOutput::Out(bytes) | ProgramOutput::Err(bytes) => Some(bytes),
        }
    }

    fn print_report(&mut self, report: Option<Report>) -> Result<(), OutputError> {
        match report {
            Some(Report::Transient(text)) => {
                let Self { stdio, events_to_stderr, .. } = self;
                let stream = if *events_to_stderr { &mut stdio.err } else { &mut stdio.out };
                stream.show_transient(&text)
            }
            Some(Report::Notice(text)) => {
                self.print_notice(Severity::Notice, &text);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn print_notice(&mut self, severity: Severity, text: &str) {
        let _ = self.stdio.error_line(&format!("{severity}: {}", sanitize(text)));
    }

    fn view_of(&self, error: &CommandError) -> FailureView {
        FailureView {
            kind: error.kind().name(),
            error: error.message(),
            details: error.details().iter().map(|line| line.trim().to_owned()).collect(),
            hints: error.hints().iter().filter_map(|hint| hint.draw(&self.hints)).collect(),
        }
    }

    fn print_error(&mut self, error: &CommandError) {
        let was_typed = error.kind() == ErrorKind::Ended(EndSignal::Interrupt);
        if was_typed && self.stdio.err.caps().is_terminal {
            // The terminal shows `^C` in the line where the run was.
            let _ = self.stdio.error_line("");
        }
        let message = error.message();
        if self.debug {
            for source in error.sources().filter(|source| !message.contains(source.as_str())) {
                let line = format!("DEBUG: caused by: {}", sanitize(&source));
                let _ = self.stdio.error_line(&line);
            }
        }
        let _ = self.stdio.error(&message);
        for line in error.details() {
            let _ = self.stdio.error_line(&sanitize(line));
        }
        self.print_hints(error.hints());
    }

    fn print_hints(&mut self, hints: &[Hint]) {
        for hint in hints.iter().filter_map(|hint| hint.draw(&self.hints)) {
            let _ = self.stdio.error_line(&format!("HINT: {}", sanitize(&hint)));
        }
    }
}
