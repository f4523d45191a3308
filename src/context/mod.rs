//! What a command works with: settings, flags, the rack, the output, a clock, stdin.

mod command_line;
pub(crate) mod connection;
pub(crate) mod dev;
pub(crate) mod known_machines;
pub(crate) mod known_racks;
mod outages;
mod prompt;
mod second_factor;
mod settings_lock;
mod transport_events;
mod ui;

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::{GlobalArgs, Site};
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::output::{RenderContext, Value};
use crate::settings::{AppError, BusyPolicy, DEFAULT_WAIT, Settings, Style, TargetError, Wait};
use convox_client::limits::Limits;
use convox_client::rack::{Console, Force, Rack};
use convox_client::wait::Schedule;
use convox_devrack::clock::Clock;
use convox_wire::{AppName, RackName};

pub(crate) use command_line::{CommandLine, ManualPage};
pub(crate) use connection::{Manager, Published};
pub(crate) use known_racks::{Access, KnownRack};
pub(crate) use outages::OutageNotices;
pub(crate) use prompt::Confirmation;
pub(crate) use ui::{Severity, Ui};

/// How long a rack may be unavailable before a notice says so.
const SILENT: Duration = Duration::from_secs(2);

/// How to promote a release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PromoteOptions {
    /// Whether it supersedes an update that is going on.
    pub(crate) force: Force,
    /// Whether to wait until the release is running.
    pub(crate) wait: Wait,
    /// What to do if the app is being updated, or runs the release already.
    pub(crate) busy: BusyPolicy,
}

/// What a command works with.
pub(crate) struct Context {
    /// The environment and the settings directory.
    pub(crate) settings: Settings,
    /// The flags that cut across commands.
    pub(crate) args: GlobalArgs,
    /// The style of this command's output; `v3` for commands with one form.
    pub(crate) style: Style,
    /// The present time.
    pub(crate) clock: Clock,
    /// What the run prints.
    pub(crate) ui: Ui,
    /// Which outages of the rack have been reported.
    pub(crate) outages: OutageNotices,
    /// The command line as a whole, for help in other forms.
    pub(crate) command_line: &'static dyn CommandLine,
    /// Whether the command may start the development rack: those that only read do not.
    starts_rack: Cell<bool>,
    connection: OnceCell<connection::Connection>,
    /// One console for the run, so that its session is shared.
    console: OnceCell<Console>,
    started_rack: Cell<bool>,
    uses_dev_rack: Cell<bool>,
}

impl Context {
    pub(crate) fn new(
        settings: Settings,
        args: GlobalArgs,
        style: Style,
        clock: Clock,
        ui: Ui,
        command_line: &'static dyn CommandLine,
        starts_rack: bool,
    ) -> Self {
        Self {
            settings,
            args,
            style,
            clock,
            ui,
            outages: OutageNotices::default(),
            command_line,
            starts_rack: Cell::new(starts_rack),
            connection: OnceCell::new(),
            console: OnceCell::new(),
            started_rack: Cell::new(false),
            uses_dev_rack: Cell::new(false),
        }
    }

    /// Whether this run starts the development rack if it is not running.
    pub(crate) fn starts_rack(&self) -> bool {
        self.starts_rack.get()
    }

    /// Makes this a run that changes nothing, so that it does not start the development rack.
    pub(crate) fn only_asks(&self) {
        self.starts_rack.set(false);
    }

    /// The rack, resolved at its first use.
    pub(crate) async fn rack(&self) -> Result<Rack, CommandError> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection.rack.clone());
        }
        let connection = connection::open(self).await?;
        Ok(self.connection.get_or_init(|| connection).rack.clone())
    }

    /// Who keeps the version and the parameters of the rack.
    pub(crate) async fn manager(&self) -> Result<Manager, CommandError> {
        connection::manager(self).await
    }

    /// Where the published versions of racks are listed.
    pub(crate) fn published(&self, racks: Published) -> Result<Rack, CommandError> {
        connection::published(self, racks)
    }

    /// The console; an error if none is known.
    pub(crate) fn console(&self) -> Result<Console, CommandError> {
        let missing = || CommandError::new("no console is known").hint(connection::log_in());
        connection::console(self)?.ok_or_else(missing)
    }

    /// The rack; `None` if none is chosen.
    pub(crate) async fn rack_if_chosen(&self) -> Result<Option<Rack>, CommandError> {
        let rack = self.args.site.rack().map(RackName::as_str);
        match self.settings.target(rack) {
            Err(TargetError::NoCurrentRack) => Ok(None),
            _ => self.rack().await.map(Some),
        }
    }

    /// Returns whether the rack is that of a machine.
    pub(crate) fn is_on_machine(&self) -> bool {
        matches!(self.args.site, Site::Machine(_))
    }

    /// Returns whether this run has started the development rack.
    pub(crate) fn has_started_rack(&self) -> bool {
        self.started_rack.get()
    }

    /// Refreshes what `racks` shows of a direct rack, after a success, now and then.
    pub(crate) async fn remember_rack(&self) {
        if let Some(connection) = self.connection.get() {
            connection.refresh_metadata(self).await;
        }
    }

    /// The app: `--app`, CONVOX_APP, `.convox/app`, or the directory's name.
    pub(crate) fn app(&self) -> Result<AppName, CommandError> {
        self.app_or(None)
    }

    /// The apps of a command that takes several, each once.
    pub(crate) fn apps(&self) -> Result<Vec<AppName>, CommandError> {
        let mut apps = Vec::new();
        for app in &self.args.apps {
            if !apps.contains(app) {
                apps.push(app.clone());
            }
        }
        if apps.len() < 2 { Ok(vec![self.app()?]) } else { Ok(apps) }
    }

    /// The app of a command that takes its name as an argument.
    pub(crate) fn app_or(&self, argument: Option<&AppName>) -> Result<AppName, CommandError> {
        self.resolve_app(argument, None)
    }

    /// The app of a source directory.
    pub(crate) fn app_of(&self, source: &Path) -> Result<AppName, CommandError> {
        self.resolve_app(None, Some(source))
    }

    fn resolve_app(
        &self,
        argument: Option<&AppName>,
        source: Option<&Path>,
    ) -> Result<AppName, CommandError> {
        let argument = argument.map(AppName::as_str);
        let flag = self.args.app.as_ref().map(AppName::as_str);
        let app = self.settings.app(argument, flag, source).map_err(without_app)?;
        self.ui.set_app(&app);
        Ok(app)
    }

    /// A path that was given on the command line: relative ones are below the working directory.
    pub(crate) fn path(&self, given: &Path) -> Result<PathBuf, CommandError> {
        Ok(self.settings.path(given)?)
    }

    /// Time limits.
    pub(crate) fn limits(&self) -> &Limits {
        self.settings.limits()
    }

    /// Returns whether to wait for a promote.
    pub(crate) fn wait(&self) -> Wait {
        let asked = self.args.wait || self.settings.env.wait;
        Wait::new(self.style, asked, self.args.wait_timeout)
    }

    /// Returns whether a command that does not wait by itself is asked to.
    pub(crate) fn is_asked_to_wait(&self) -> bool {
        self.args.wait || self.settings.env.wait || self.args.wait_timeout.is_some()
    }

    /// How long a wait may last.
    pub(crate) fn wait_limit(&self) -> Duration {
        self.args.wait_timeout.unwrap_or(DEFAULT_WAIT)
    }

    /// How to poll for at most `limit`.
    pub(crate) fn polls(&self, limit: Duration) -> Schedule {
        // Nobody but its user starts a development rack that was stopped.
        let longest_outage = self.uses_dev_rack.get().then_some(self.limits().retry);
        Schedule { first: self.limits().poll, limit, notice_after: SILENT, longest_outage }
    }

    /// Returns whether secrets are shown: with `--reveal`, and to programs.
    pub(crate) fn reveals(&self) -> bool {
        self.args.reveal || !self.ui.is_terminal()
    }

    /// Prints a value before the command ends: for people, or with `--json`.
    pub(crate) fn show(&self, value: &dyn Value) -> Result<(), CommandError> {
        if self.args.json {
            return self.ui.document(value.as_document());
        }
        self.ui.view(value, &RenderContext { now: self.clock.now(), style: self.style })
    }

    /// Draws an event.
    pub(crate) fn emit(&self, event: Event) -> Result<(), CommandError> {
        self.ui.render(&event)
    }

    /// Does `work` as one step: prints `text... OK`, or leaves the line open where it fails.
    pub(crate) async fn step<T>(
        &self,
        text: impl Into<String>,
        work: impl Future<Output = Result<T, CommandError>>,
    ) -> Result<T, CommandError> {
        self.step_with(text, work, |_| None).await
    }

    /// Does `work` as one step which creates something: prints `text... OK, ID`.
    pub(crate) async fn step_with<T>(
        &self,
        text: impl Into<String>,
        work: impl Future<Output = Result<T, CommandError>>,
        id: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, CommandError> {
        self.emit(Event::Step(text.into()))?;
        let value = work.await?;
        self.emit(Event::Done(id(&value)))?;
        Ok(value)
    }

    /// Prints a notice on stderr: something happened that is worth knowing.
    pub(crate) fn notice(&self, text: impl fmt::Display) {
        self.notice_with(text, []);
    }

    /// Prints a notice with advice.
    pub(crate) fn notice_with(&self, text: impl fmt::Display, hints: impl AsRef<[Hint]>) {
        self.ui.notice(Severity::Notice, &text.to_string(), hints.as_ref());
    }

    /// Advises a person at a terminal what could be done next.
    pub(crate) fn advise(&self, hint: &Hint) {
        self.ui.advise(hint);
    }

    /// Prints a warning on stderr: something may be a mistake.
    pub(crate) fn warn(&self, text: impl fmt::Display) {
        self.warn_with(text, []);
    }

    /// Prints a warning with advice.
    pub(crate) fn warn_with(&self, text: impl fmt::Display, hints: impl AsRef<[Hint]>) {
        self.ui.notice(Severity::Warning, &text.to_string(), hints.as_ref());
    }

    /// The name of the rack, without asking it.
    pub(crate) async fn rack_name(&self) -> Result<String, CommandError> {
        connection::name(self).await
    }

    /// Whether terraform has to run to find the rack's address, which takes seconds.
    pub(crate) async fn needs_terraform(&self) -> Result<bool, CommandError> {
        connection::needs_terraform(self).await
    }

    /// How this style promotes.
    pub(crate) fn promote_options(&self, force: Force) -> PromoteOptions {
        PromoteOptions { force, wait: self.wait(), busy: BusyPolicy::for_style(self.style) }
    }
}

/// A mistyped name is a usage error; a file that cannot be used is not.
fn without_app(error: AppError) -> CommandError {
    match error {
        AppError::Name(_) => CommandError::usage(error),
        AppError::Directory(_) => CommandError::new(error).hint("give the app's name with --app"),
        _ => CommandError::new(error),
    }
}
