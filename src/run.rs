//! One invocation: from the arguments to an exit code.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cli::{self, CommandSpec, Effect, Parsed, Styles};
use crate::context::{Context, Globals, Ui};
use crate::outcome::{CommandError, Exit, Outcome, Output};
use crate::output::stdio::{OnBrokenPipe, OutputError, Stdio};
use crate::output::{Classic, Json, LogWriter, Quiet, RenderContext, Renderer, V3};
use crate::settings::{EnvVars, Settings, Style};
use convox_devrack::clock::Clock;
use convox_wire::duration::GoDuration;

/// How the environment is read.
pub type Environment = Box<dyn Fn(&str) -> Option<OsString>>;

/// Everything a run touches.
pub struct Invocation {
    /// The arguments, the program's name first.
    pub args: Vec<OsString>,
    /// The environment.
    pub environment: Environment,
    /// The working folder.
    pub folder: io::Result<PathBuf>,
    /// The program itself, which is started again as the development rack.
    pub program: io::Result<PathBuf>,
    /// Time.
    pub clock: Clock,
    /// The streams; the process's own where absent.
    pub stdio: Option<Stdio>,
}

/// A crash must not leave the memory, and the passwords in it, in a file.
fn leave_no_core_file() {
    let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    // A lower limit is always allowed; where it is not, nothing can be done about it.
    setrlimit(Resource::Core, limit).unwrap_or_default();
}

/// Runs a command line; gives the exit code.
pub fn run(invocation: Invocation) -> u8 {
    leave_no_core_file();
    let caps = |name: &str| (invocation.environment)(name);
    let term = caps("TERM").and_then(|term| term.into_string().ok());
    let no_color = caps("NO_COLOR").is_some_and(|value| !value.is_empty());
    let stdio = match invocation.stdio {
        Some(stdio) => Ok(stdio),
        None => Stdio::system(term.as_deref(), no_color),
    };
    let Ok(mut stdio) = stdio else { return Exit::Failed.code() };
    let (command, matches) = match cli::parse(&invocation.args) {
        Parsed::Command(command, matches) => (command, matches),
        Parsed::Text(text) => return print(&mut stdio, &text).code(),
        Parsed::Usage(text) => {
            // Where stderr is closed, the exit code says it.
            drop(stdio.error_line(text.trim_end()));
            return Exit::Usage.code();
        }
    };
    let settings =
        match settings(&invocation.environment, invocation.folder, invocation.program, &matches) {
            Ok(settings) => settings,
            Err(failure) => return fail(&mut stdio, &failure).code(),
        };
    let run = Run::new(command, &matches, settings, invocation.clock);
    match run {
        Ok(run) => run.carry_out(stdio).code(),
        Err(failure) => fail(&mut stdio, &failure).code(),
    }
}

fn print(stdio: &mut Stdio, text: &str) -> Exit {
    let printed = stdio.out.print(text).and_then(|()| stdio.flush());
    if let Err(OutputError::Failed(_)) = printed { Exit::Failed } else { Exit::Done }
}

fn fail(stdio: &mut Stdio, failure: &CommandError) -> Exit {
    // Where stderr is closed, the exit code says it.
    drop(stdio.error(&failure.to_string()));
    failure.exit
}

fn settings(
    environment: &dyn Fn(&str) -> Option<OsString>,
    folder: io::Result<PathBuf>,
    program: io::Result<PathBuf>,
    matches: &ArgMatches,
) -> Result<Settings, CommandError> {
    let mut variables = EnvVars::read(environment).map_err(CommandError::usage)?;
    variables.debug |= cli::flag(matches, "debug");
    let folder = folder
        .map_err(|error| CommandError::new(format!("the working folder is gone: {error}")))?;
    Ok(Settings::new(variables, folder).with_program(program.ok()))
}

/// A command line that was understood.
struct Run<'a> {
    command: &'static CommandSpec,
    matches: &'a ArgMatches,
    settings: Settings,
    style: Style,
    clock: Clock,
    json: bool,
    id: bool,
    watch: Option<Duration>,
}

impl<'a> Run<'a> {
    fn new(
        command: &'static CommandSpec,
        matches: &'a ArgMatches,
        settings: Settings,
        clock: Clock,
    ) -> Result<Self, CommandError> {
        let style = match command.styles {
            Styles::Both => settings.style(cli::value(matches, "style")),
            Styles::V3 => Style::V3,
        };
        let watch = cli::value::<u64>(matches, "watch").map(Duration::from_secs);
        let (json, id) = (cli::flag(matches, "json"), cli::flag(matches, "id"));
        if json && id {
            return Err(CommandError::usage("--json and --id cannot be used together"));
        }
        Ok(Self { command, matches, settings, style, clock, json, id, watch })
    }

    fn carry_out(self, mut stdio: Stdio) -> Exit {
        let changes = self.command.effect == Effect::Write;
        stdio.out.set_on_broken_pipe(if changes {
            OnBrokenPipe::Discard
        } else {
            OnBrokenPipe::Fail
        });
        stdio.err.set_on_broken_pipe(OnBrokenPipe::Discard);
        let renderer = self.renderer(&stdio);
        let ui = Ui::new(stdio, renderer, self.id);
        let result = self.run_and_show(&ui);
        let failure = result.err().filter(|failure| !failure.is_closed_output());
        let rack: Option<String> = cli::value(self.matches, "rack");
        let failure = failure.map(|failure| failure.on_rack(rack.as_deref()));
        let unwritten = ui.end(failure.as_ref()).err();
        match (failure, unwritten) {
            (Some(failure), _) => failure.exit,
            (None, Some(error)) if !error.is_closed_output() => {
                ui.error(&error);
                error.exit
            }
            _ => Exit::Done,
        }
    }

    fn renderer(&self, stdio: &Stdio) -> Box<dyn Renderer> {
        let caps = if self.id { stdio.err.caps() } else { stdio.out.caps() };
        let log = LogWriter::new(caps, cli::flag(self.matches, "raw"));
        match (self.json, self.style) {
            (true, _) if self.command.streams => Box::new(Json::default()),
            (true, _) => Box::new(Quiet),
            (false, Style::Classic) => Box::new(Classic::new(log)),
            (false, Style::V3) => Box::new(V3::new(log)),
        }
    }

    fn run_and_show(&self, ui: &Ui) -> Result<(), CommandError> {
        let runtime = runtime(self.command)?;
        let Some(interval) = self.watch else {
            return runtime.block_on(self.once(ui));
        };
        loop {
            if !self.json {
                ui.clear()?;
                ui.print(&format!("Every {}s:\n\n", interval.as_secs()))?;
            }
            if let Err(failure) = runtime.block_on(self.once(ui)) {
                if failure.exit == Exit::Interrupted {
                    return Ok(());
                }
                if failure.is_closed_output() {
                    return Err(failure);
                }
                ui.error(&failure);
            }
            ui.flush()?;
            if runtime.block_on(crate::terminal::interrupted_within(interval)) {
                return Ok(());
            }
        }
    }

    async fn once(&self, ui: &Ui) -> Result<(), CommandError> {
        let cx = Context::new(
            self.settings.clone(),
            self.globals(ui),
            self.style,
            self.clock.clone(),
            ui.clone(),
        );
        let running = (self.command.start)(self.matches, &cx).map_err(CommandError::usage)?;
        let outcome = tokio::select! {
            // Who listens knows what to say.
            biased;
            outcome = running => outcome?,
            _ = crate::terminal::interrupted_unheard() => {
                return Err(CommandError::interrupted("interrupted"));
            }
        };
        self.show(&cx, ui, &outcome)?;
        ui.flush()?;
        cx.remember_rack().await;
        Ok(())
    }

    fn globals(&self, ui: &Ui) -> Globals {
        let timeout: Option<GoDuration> = cli::value(self.matches, "wait_timeout");
        Globals {
            rack: cli::value(self.matches, "rack"),
            app: cli::value(self.matches, "app"),
            insecure: cli::flag(self.matches, "insecure"),
            wait: cli::flag(self.matches, "wait") || self.settings.env.wait,
            wait_timeout: timeout.map(|timeout| timeout.0),
            reveal: cli::flag(self.matches, "reveal") || !ui.is_terminal(),
        }
    }

    fn show(&self, cx: &Context, ui: &Ui, outcome: &Outcome) -> Result<(), CommandError> {
        if self.id {
            return match &outcome.id {
                Some(id) => ui.id(id),
                None => Ok(()),
            };
        }
        let rc = RenderContext { now: cx.clock.now(), style: self.style };
        match &outcome.result {
            Output::Render(value) if self.json => ui.document(value.as_document()),
            Output::Render(value) => ui.view(value.as_ref(), &rc),
            Output::Json(document) if self.json => ui.document(document.as_ref()),
            Output::Json(_) | Output::Streamed => Ok(()),
        }
    }
}

/// One thread is enough for a client; the development rack may ask for more.
fn runtime(command: &CommandSpec) -> Result<tokio::runtime::Runtime, CommandError> {
    let mut builder = match command.effect {
        Effect::Serve => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    builder
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("the system refuses a runtime: {error}")))
}
