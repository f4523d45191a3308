//! What a command is handed: settings, the rack, a renderer, a clock, the standard input.

pub(crate) mod connection;
pub(crate) mod dev;
pub(crate) mod known_racks;
mod outages;
mod ui;

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use crate::event::Event;
use crate::outcome::CommandError;
use crate::settings::{AppError, BusyPolicy, DEFAULT_WAIT, Settings, Style, Wait};
use crate::terminal::{self, SecretError};
use convox_client::limits::Limits;
use convox_client::rack::{Force, Rack};
use convox_client::wait::Schedule;
use convox_devrack::clock::Clock;
use convox_wire::AppName;

pub(crate) use known_racks::{Access, KnownRack};
pub(crate) use outages::OutageNotices;
pub(crate) use ui::Ui;

/// A rack may be away for so long before it is worth a word.
const SILENT: Duration = Duration::from_secs(2);

/// The flags that cut across commands, read once for all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Globals {
    /// `--rack`.
    pub(crate) rack: Option<String>,
    /// `--app`.
    pub(crate) app: Option<String>,
    /// `--insecure`.
    pub(crate) insecure: bool,
    /// `--wait`, or CONVOX_WAIT.
    pub(crate) wait: bool,
    /// `--wait-timeout`.
    pub(crate) wait_timeout: Option<Duration>,
    /// `--reveal`, or output that is no terminal: secrets are shown as they are.
    pub(crate) reveal: bool,
}

/// How a promote is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PromoteOptions {
    /// Does it push aside what is going on?
    pub(crate) force: Force,
    /// Is it waited for?
    pub(crate) wait: Wait,
    /// What if the app is busy, or runs the release already?
    pub(crate) busy: BusyPolicy,
}

/// What a command is handed.
pub(crate) struct Context {
    /// What is set.
    pub(crate) settings: Settings,
    /// The flags that cut across commands.
    pub(crate) globals: Globals,
    /// The form of this command's output; `v3` for all that have one form.
    pub(crate) style: Style,
    /// Time.
    pub(crate) clock: Clock,
    /// Who talks.
    pub(crate) ui: Ui,
    /// What was told of a rack that is away.
    pub(crate) outages: OutageNotices,
    connection: OnceCell<connection::Connection>,
    started_rack: Cell<bool>,
}

impl Context {
    pub(crate) fn new(
        settings: Settings,
        globals: Globals,
        style: Style,
        clock: Clock,
        ui: Ui,
    ) -> Self {
        Self {
            settings,
            globals,
            style,
            clock,
            ui,
            outages: OutageNotices::default(),
            connection: OnceCell::new(),
            started_rack: Cell::new(false),
        }
    }

    /// The rack, resolved at its first use and never again.
    pub(crate) async fn rack(&self) -> Result<Rack, CommandError> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection.rack.clone());
        }
        let connection = connection::open(self).await?;
        Ok(self.connection.get_or_init(|| connection).rack.clone())
    }

    /// Has this run started the development rack?
    pub(crate) fn has_started_rack(&self) -> bool {
        self.started_rack.get()
    }

    /// After a success: what `racks` shows of a direct rack is brought up to date now and then.
    pub(crate) async fn remember_rack(&self) {
        if let Some(connection) = self.connection.get() {
            connection.remember(self).await;
        }
    }

    /// The app: `--app`, CONVOX_APP, `.convox/app`, or the folder's name.
    pub(crate) fn app(&self) -> Result<AppName, CommandError> {
        self.app_or(None)
    }

    /// The app of a command that takes its name as an argument.
    pub(crate) fn app_or(&self, argument: Option<&str>) -> Result<AppName, CommandError> {
        let flag = self.globals.app.as_deref();
        self.settings.app(argument, flag, None).map_err(without_app)
    }

    /// The app of a source folder.
    pub(crate) fn app_of(&self, source: &Path) -> Result<AppName, CommandError> {
        let flag = self.globals.app.as_deref();
        self.settings.app(None, flag, Some(source)).map_err(without_app)
    }

    /// Time limits.
    pub(crate) fn limits(&self) -> &Limits {
        self.settings.limits()
    }

    /// Is the result waited for?
    pub(crate) fn wait(&self) -> Wait {
        Wait::new(self.style, self.globals.wait, self.globals.wait_timeout)
    }

    /// How long a wait may last, where there is one.
    pub(crate) fn wait_limit(&self) -> Duration {
        self.globals.wait_timeout.unwrap_or(DEFAULT_WAIT)
    }

    /// How to poll for at most `limit`.
    pub(crate) fn polls(&self, limit: Duration) -> Schedule {
        Schedule { first: self.limits().poll, limit, silent: SILENT }
    }

    /// Tells an event.
    pub(crate) fn emit(&self, event: Event) -> Result<(), CommandError> {
        self.ui.render(&event)
    }

    /// Tells something worth knowing, on stderr. That nobody can read it is no failure.
    pub(crate) fn notice(&self, text: impl fmt::Display) {
        self.ui.notice(&Event::Notice(text.to_string()));
    }

    /// Tells something that may be a mistake, on stderr.
    pub(crate) fn warn(&self, text: impl fmt::Display) {
        self.ui.notice(&Event::Warning(text.to_string()));
    }

    /// Can somebody be asked?
    pub(crate) fn can_ask(&self) -> bool {
        self.ui.can_ask()
    }

    /// Asks for a secret, which is not shown as it is typed.
    pub(crate) fn ask_secret(&self, question: &str) -> Result<SecretString, CommandError> {
        if !self.can_ask() {
            return Err(CommandError::new("no token, and nobody to ask for one")
                .hint("give it with CONVOX_TOKEN or --token"));
        }
        self.ui.ask(question)?;
        let typed = terminal::read_secret(std::io::stdin());
        self.ui.ask("\n")?;
        typed.map_err(|error| match error {
            SecretError::Interrupted => CommandError::interrupted("interrupted"),
            error => CommandError::new(error),
        })
    }

    /// Asks a question that only `y` or `yes` answers with yes.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, CommandError> {
        self.ui.ask(question)?;
        let answer = crate::stdin::read_line()?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// The name of the rack that is meant, without asking it.
    pub(crate) async fn rack_name(&self) -> Result<String, CommandError> {
        connection::name(self).await
    }

    /// How a promote is done in this style.
    pub(crate) fn promote_options(&self, force: Force) -> PromoteOptions {
        PromoteOptions { force, wait: self.wait(), busy: BusyPolicy::for_style(self.style) }
    }

    /// Random bytes, for names that nobody else chooses.
    pub(crate) fn random(&self) -> Result<[u8; 15], CommandError> {
        let mut bytes = [0; 15];
        getrandom::fill(&mut bytes).map_err(|error| {
            CommandError::new(format!("the system gives no random numbers: {error}"))
        })?;
        Ok(bytes)
    }
}

/// A name that was typed wrong is a matter of usage; a file that cannot be used is not.
fn without_app(error: AppError) -> CommandError {
    match error {
        AppError::Name(_) => CommandError::usage(error),
        _ => CommandError::new(error),
    }
}
