//! One invocation: from the arguments to an exit code.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::ArgMatches;
use tokio::time::MissedTickBehavior;

use crate::args::{GlobalArgs, Scope, Styles};
use crate::cli::{self, CommandSpec, Effect, JsonForm, Parsed, Running};
use crate::completion;
use crate::context::{Context, Ui};
use crate::error::{CommandError, ErrorKind, Hint, HintContext};
use crate::outcome::{Exit, Outcome, Output};
use crate::output::stdio::{OnBrokenPipe, OutputError, Stdio};
use crate::output::{Classic, Json, LogWriter, Quiet, RenderContext, Renderer, V3};
use crate::settings::{EnvVars, Settings, Style};
use crate::signals::{self, EndSignal};
use convox_devrack::clock::Clock;

/// The time between two looks at whether long work should be reported.
const TICK: Duration = Duration::from_secs(1);

pub use crate::settings::Environment;

/// Everything that a run touches.
pub struct Invocation {
    /// The arguments; the first is the program's name.
    pub args: Vec<OsString>,
    /// The environment.
    pub environment: Environment,
    /// The working directory, against which relative paths are resolved.
    pub directory: io::Result<PathBuf>,
    /// The program itself, which is started again as the development rack.
    pub program: io::Result<PathBuf>,
    /// The present time.
    pub clock: Clock,
    /// The streams; the process's own if absent.
    pub stdio: Option<Stdio>,
}

/// Runs a command line. Returns the exit code.
pub fn run(mut invocation: Invocation) -> u8 {
    let Ok(mut stdio) = stdio(invocation.stdio.take(), &invocation.environment) else {
        return Exit::Failed.code();
    };
    if let Some(request) = completion::Request::read(&invocation.args) {
        return complete(&request, invocation, stdio).code();
    }
    let (spec, matches, args) = match cli::parse(&invocation.args) {
        Parsed::Command(spec, matches, args) => (spec, matches, *args),
        Parsed::Text(text) => return print(&mut stdio, &text).code(),
        Parsed::Usage(usage) => {
            Ui::new(stdio, Box::new(Quiet), true, usage.hints, false).error(&usage.error);
            return Exit::Usage.code();
        }
    };
    let hints =
        HintContext { site: args.site.clone(), commands: cli::INDEX, ..HintContext::default() };
    let Invocation { environment, directory, program, clock, .. } = invocation;
    let settings = match settings(environment, directory, program) {
        Ok(settings) => settings.with_debug(args.debug),
        Err(error) => {
            let ui = Ui::new(stdio, Box::new(Quiet), true, hints, args.debug);
            ui.error(&error);
            return error.kind().exit().code();
        }
    };
    Run::new(spec, &matches, args, settings, clock).carry_out(stdio, hints).code()
}

/// Answers the completion script of a shell. All failures are silent: a message would end up in the
/// line that is being typed.
fn complete(request: &completion::Request, invocation: Invocation, mut stdio: Stdio) -> Exit {
    let Invocation { environment, directory, program, clock, .. } = invocation;
    if let Ok(settings) = settings(environment, directory, program) {
        let answer = completion::answer(request, settings, clock);
        let _ = stdio.out.print(&answer).and_then(|()| stdio.flush());
    }
    Exit::Done
}

fn stdio(given: Option<Stdio>, environment: &Environment) -> io::Result<Stdio> {
    if let Some(stdio) = given {
        return Ok(stdio);
    }
    let term = environment("TERM").and_then(|term| term.into_string().ok());
    let no_color = environment("NO_COLOR").is_some_and(|value| !value.is_empty());
    Stdio::system(term.as_deref(), no_color)
}

fn print(stdio: &mut Stdio, text: &str) -> Exit {
    let printed = stdio.out.print(text).and_then(|()| stdio.flush());
    match printed {
        Err(error @ OutputError::Failed(_)) => {
            let _ = stdio.error(&error.to_string());
            Exit::Failed
        }
        _ => Exit::Done,
    }
}

fn settings(
    environment: Environment,
    directory: io::Result<PathBuf>,
    program: io::Result<PathBuf>,
) -> Result<Settings, CommandError> {
    let variables = EnvVars::read(&*environment).map_err(CommandError::usage)?;
    let settings = Settings::new(variables, directory).with_program(program.ok());
    Ok(settings.with_environment(environment))
}

/// A command line that was understood.
struct Run<'a> {
    spec: &'static CommandSpec,
    matches: &'a ArgMatches,
    args: GlobalArgs,
    settings: Settings,
    style: Style,
    clock: Clock,
}

/// How a command ended that did not fail.
struct Ended {
    exit: Exit,
    /// The id of what it created.
    id: Option<String>,
}

impl Default for Ended {
    fn default() -> Self {
        Self { exit: Exit::Done, id: None }
    }
}

impl<'a> Run<'a> {
    fn new(
        spec: &'static CommandSpec,
        matches: &'a ArgMatches,
        args: GlobalArgs,
        settings: Settings,
        clock: Clock,
    ) -> Self {
        let style = match spec.styles {
            Styles::Both => settings.style(args.style),
            Styles::One => Style::V3,
        };
        Self { spec, matches, args, settings, style, clock }
    }

    fn carry_out(self, mut stdio: Stdio, hints: HintContext) -> Exit {
        stdio.out.set_on_broken_pipe(match self.spec.effect {
            Effect::Write => OnBrokenPipe::Discard,
            Effect::Read | Effect::Serve => OnBrokenPipe::Fail,
        });
        stdio.err.set_on_broken_pipe(OnBrokenPipe::Discard);
        let renderer = self.renderer(&stdio);
        let ui = Ui::new(stdio, renderer, self.args.id, hints, self.settings.env.debug);
        let (ended, error) = match self.run_and_print(&ui) {
            Ok(ended) => (ended, None),
            Err(error) if error.kind() == ErrorKind::OutputClosed => (Ended::default(), None),
            Err(error) => (Ended { exit: error.kind().exit(), id: None }, Some(error)),
        };
        let unwritten = ui.end(error.as_ref()).err();
        match (error, unwritten) {
            (Some(_), _) => ended.exit,
            (None, Some(error)) => {
                let error = self.output_lost(error, ended.id.as_deref());
                if error.kind() != ErrorKind::OutputClosed {
                    ui.error(&error);
                }
                error.kind().exit()
            }
            (None, None) => ended.exit,
        }
    }

    /// The failure of a run whose output was lost. What a command has changed is done all the same,
    /// so it is named with its id.
    fn output_lost(&self, error: CommandError, id: Option<&str>) -> CommandError {
        if self.spec.effect != Effect::Write || error.kind() == ErrorKind::OutputClosed {
            return error;
        }
        let id = id.map_or(String::new(), |id| format!(" ({id})"));
        CommandError::new(format!("{} succeeded{id}, but {}", self.spec.path, error.message()))
    }

    fn renderer(&self, stdio: &Stdio) -> Box<dyn Renderer> {
        let caps = if self.args.id { stdio.err.caps() } else { stdio.out.caps() };
        let log = LogWriter::new(caps, self.args.raw);
        match (self.args.json, self.spec.json, self.style) {
            (true, JsonForm::Events, _) => Box::new(Json::default()),
            (true, JsonForm::Document, _) => Box::new(Quiet),
            (false, _, Style::Classic) => Box::new(Classic::new(log)),
            (false, _, Style::V3) => Box::new(V3::new(log)),
        }
    }

    fn run_and_print(&self, ui: &Ui) -> Result<Ended, CommandError> {
        let runtime = runtime(self.spec)?;
        let result = match self.args.watch {
            Some(interval) => self.watch(ui, &runtime, interval).map(|()| Ended::default()),
            None => runtime.block_on(self.once(ui)),
        };
        // A thread that still reads stdin must not keep the run from ending.
        runtime.shutdown_background();
        result
    }

    /// Runs the command again and again, until Ctrl-C. A failure is shown and tried again.
    fn watch(
        &self,
        ui: &Ui,
        runtime: &tokio::runtime::Runtime,
        interval: Duration,
    ) -> Result<(), CommandError> {
        // One listener for the whole time: a signal between two runs must not be lost.
        let mut signal = pin!(signals::received());
        loop {
            if !self.args.json {
                ui.clear()?;
                ui.print(&format!("Every {}s:\n\n", interval.as_secs()))?;
            }
            let run = async {
                tokio::select! {
                    biased;
                    result = self.once(ui) => result.map(drop),
                    signal = &mut signal => Err(CommandError::ended(signal)),
                }
            };
            match runtime.block_on(run) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Ended(EndSignal::Interrupt) => {
                    return Ok(());
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::Ended(_) | ErrorKind::OutputClosed) =>
                {
                    return Err(error);
                }
                Err(error) => ui.error(&error),
            }
            ui.flush()?;
            let pause = async { tokio::time::timeout(interval, &mut signal).await };
            match runtime.block_on(pause) {
                Err(_) => {}
                Ok(EndSignal::Interrupt) => return Ok(()),
                Ok(signal) => return Err(CommandError::ended(signal)),
            }
        }
    }

    async fn once(&self, ui: &Ui) -> Result<Ended, CommandError> {
        let cx = Context::new(
            self.settings.clone(),
            self.args.clone(),
            self.style,
            self.clock.clone(),
            ui.clone(),
            &cli::Program,
            self.spec.starts_rack(),
        );
        let running = (self.spec.start)(self.matches, &cx).map_err(CommandError::usage)?;
        let outcome = self.complete(ui, running).await?;
        self.print(&cx, &outcome)?;
        ui.flush()?;
        cx.remember_rack().await;
        Ok(Ended { exit: outcome.exit, id: outcome.id })
    }

    /// Waits for the command, showing that it goes on, or for a signal that ends it.
    async fn complete(&self, ui: &Ui, running: Running<'_>) -> Result<Outcome, CommandError> {
        let mut running = running;
        let mut signal = pin!(self.ending_signal());
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Prefer the command's own Ctrl-C handling.
                biased;
                outcome = &mut running => return outcome,
                signal = &mut signal => return Err(self.ended(signal)),
                _ = ticks.tick() => {
                    if self.spec.effect == Effect::Read && ui.has_lost_reader() {
                        return Err(OutputError::Closed.into());
                    }
                    ui.tick()?;
                }
            }
        }
    }

    /// The end of a command by a signal that it does not handle itself.
    fn ended(&self, signal: EndSignal) -> CommandError {
        let ended = CommandError::ended(signal);
        let CommandSpec { effect, scope, .. } = *self.spec;
        let changes_rack = effect == Effect::Write && self.spec.starts_rack();
        if !changes_rack || scope == Scope::Local {
            return ended;
        }
        let ended = ended.hint("the rack may go on with what it was asked to do");
        match scope.has_app() {
            true => ended.hint(Hint::command("look at the app with", "status")),
            false => ended,
        }
    }

    /// Waits for a signal to end the command. Commands that report their own end or change something
    /// are always ended in order; others are left to the signal's default action.
    async fn ending_signal(&self) -> EndSignal {
        let reports_its_end = self.args.json && self.spec.json == JsonForm::Events;
        loop {
            let signal = if self.spec.effect == Effect::Write || reports_its_end {
                signals::received().await
            } else {
                signals::unhandled().await
            };
            if !signals::are_claimed() {
                return signal;
            }
        }
    }

    fn print(&self, cx: &Context, outcome: &Outcome) -> Result<(), CommandError> {
        if self.args.id {
            return outcome.id.as_ref().map_or(Ok(()), |id| cx.ui.id(id));
        }
        let rc = RenderContext { now: cx.clock.now(), style: self.style };
        match &outcome.output {
            Output::Render(value) if self.args.json => cx.ui.document(value.as_document()),
            Output::Render(value) => cx.ui.view(value.as_ref(), &rc),
            Output::Json(document) if self.args.json => cx.ui.document(document.as_ref()),
            Output::Json(_) | Output::Streamed => Ok(()),
        }
    }
}

/// One thread is enough for a client; the development rack uses all cores.
fn runtime(spec: &CommandSpec) -> Result<tokio::runtime::Runtime, CommandError> {
    let mut builder = match spec.effect {
        Effect::Serve => tokio::runtime::Builder::new_multi_thread(),
        Effect::Read | Effect::Write => tokio::runtime::Builder::new_current_thread(),
    };
    builder
        .enable_all()
        .build()
        .map_err(|error| CommandError::while_doing("the runtime cannot be started", error))
}
