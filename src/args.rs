//! The flags that cut across commands: which a command has, and their values, read once for all.
//!
//! The structs for clap have no doc comments: clap would show those as the help of the command.

mod racks;

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::settings::Style;
use convox_wire::duration::GoDuration;
use convox_wire::{AppName, MachineName, RackName};

pub(crate) use racks::Racks;

/// What a command acts on, and so which flags say where that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// This machine alone: no flags.
    Local,
    /// A rack: `--rack`.
    Rack,
    /// An app of a rack: `--app` and `--rack`.
    App,
    /// A machine of the console: `--machine`.
    Machine,
    /// An app of a machine: `--app` and `--machine`.
    MachineApp,
}

impl Scope {
    /// The scope of the same command for machines.
    pub(crate) const fn on_machine(self) -> Self {
        match self {
            Self::Local => Self::Local,
            Self::Rack | Self::Machine => Self::Machine,
            Self::App | Self::MachineApp => Self::MachineApp,
        }
    }

    /// Whether `--app` names what it acts on.
    pub(crate) fn has_app(self) -> bool {
        matches!(self, Self::App | Self::MachineApp)
    }

    /// Whether `--rack` says where that is.
    pub(crate) fn has_rack(self) -> bool {
        matches!(self, Self::Rack | Self::App)
    }

    /// Whether `--machine` says where that is.
    pub(crate) fn has_machine(self) -> bool {
        matches!(self, Self::Machine | Self::MachineApp)
    }
}

/// Where a command acts, as its flags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Site {
    /// On a rack: that of `--rack`, if it was given.
    Rack(Option<RackName>),
    /// On a machine of the console: that of `--machine`, if it was given.
    Machine(Option<MachineName>),
}

impl Default for Site {
    fn default() -> Self {
        Self::Rack(None)
    }
}

impl Site {
    /// The rack of `--rack`.
    pub(crate) fn rack(&self) -> Option<&RackName> {
        match self {
            Self::Rack(rack) => rack.as_ref(),
            Self::Machine(_) => None,
        }
    }
}

/// Which output styles a command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Styles {
    /// One form for both styles, that of the 3.x clients.
    One,
    /// A form for each style: `--style`.
    Both,
}

/// Whether a command waits for the rack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// It never waits. `--wait` is accepted and ignored: scripts of 3.x clients pass it everywhere.
    Never,
    /// It waits if asked to: `--wait` and `--wait-timeout`.
    Optional,
    /// It always waits: `--wait-timeout`.
    Always,
}

/// What a command declares about its flags in the command tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    pub(crate) scope: Scope,
    pub(crate) styles: Styles,
    pub(crate) waits: Waits,
    /// `--id`: prints the id alone on stdout.
    pub(crate) id: bool,
    /// `--watch`: runs again every few seconds.
    pub(crate) watch: bool,
    /// `--reveal`: shows secrets on a terminal.
    pub(crate) reveal: bool,
    /// `--raw`: passes logs on unchanged, even to a terminal.
    pub(crate) raw: bool,
    /// `--app` can be repeated.
    pub(crate) many_apps: bool,
}

impl Declared {
    /// The flags that may stand before a command.
    pub(crate) const LEADING: Self = Self {
        scope: Scope::App,
        styles: Styles::One,
        waits: Waits::Never,
        id: false,
        watch: false,
        reveal: false,
        raw: false,
        many_apps: false,
    };
}

const GLOBAL: &str = "Global options";

#[derive(Args)]
struct EveryCommand {
    /// Print JSON: one document, or one line for each event of a stream
    #[arg(long, help_heading = GLOBAL)]
    json: bool,
    /// Print a line on stderr for each request and socket, without secrets
    #[arg(long, help_heading = GLOBAL)]
    debug: bool,
    /// Do not verify the rack's certificate (warns each time)
    #[arg(long, help_heading = GLOBAL)]
    insecure: bool,
}

#[derive(Args)]
struct RackArgs {
    /// Rack name, or a unique part of it; `dev` is the development rack
    #[arg(short, long, value_name = "NAME")]
    rack: Option<RackName>,
}

#[derive(Args)]
struct AppArgs {
    /// App name; defaults to that in .convox/app, or the directory's name
    #[arg(short, long, value_name = "NAME")]
    app: Option<AppName>,
}

#[derive(Args)]
struct AppsArgs {
    /// App name; can be repeated. Defaults to that in .convox/app, or the directory's name
    #[arg(short = 'a', long = "app", value_name = "NAME", action = clap::ArgAction::Append)]
    apps: Vec<AppName>,
}

#[derive(Args)]
struct MachineArgs {
    /// Machine name, or a unique part of organization/name
    #[arg(short = 'i', long, value_name = "NAME")]
    machine: Option<MachineName>,
}

#[derive(Args)]
struct WaitArgs {
    /// Wait until the release is running
    #[arg(short, long)]
    wait: bool,
}

#[derive(Args)]
struct RackWaitArgs {
    /// Wait until the change is done
    #[arg(short, long)]
    wait: bool,
}

#[derive(Args)]
struct IgnoredWaitArgs {
    #[arg(short = 'w', long = "wait", hide = true)]
    wait: bool,
}

#[derive(Args)]
struct WaitTimeoutArgs {
    /// Wait at most this long, for example 10m, then exit with 124
    #[arg(long, value_name = "TIME")]
    wait_timeout: Option<GoDuration>,
}

#[derive(Args)]
struct StyleArgs {
    /// Style of output and waiting; defaults to CONVOX_STYLE, or classic
    #[arg(long, value_name = "STYLE", value_parser = style())]
    style: Option<Style>,
}

#[derive(Args)]
struct IdArgs {
    /// Print only the id on stdout, everything else on stderr
    #[arg(long, conflicts_with = "json")]
    id: bool,
}

#[derive(Args)]
struct WatchArgs {
    /// Run again every N seconds, until interrupted
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    watch: Option<u64>,
}

/// Parses a style; completions offer both.
fn style() -> impl TypedValueParser<Value = Style> {
    PossibleValuesParser::new(Style::ALL.map(Style::name)).try_map(|name| name.parse::<Style>())
}

/// Parses a number from 1 on.
fn at_least_one(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number from 1 on is expected"),
        Ok(number) => Ok(number),
    }
}

#[derive(Args)]
struct RevealArgs {
    /// Show masked values on a terminal
    #[arg(long)]
    reveal: bool,
}

#[derive(Args)]
struct RawArgs {
    /// Pass the log on unchanged, even to a terminal
    #[arg(long)]
    raw: bool,
}

/// The flags of a run that cut across commands. What a command does not have is absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct GlobalArgs {
    /// `--json`.
    pub(crate) json: bool,
    /// `--debug`.
    pub(crate) debug: bool,
    /// `--insecure`.
    pub(crate) insecure: bool,
    /// `--rack` or `--machine`.
    pub(crate) site: Site,
    /// `--app`; the first one if there are several.
    pub(crate) app: Option<AppName>,
    /// Each `--app`, if the command takes several.
    pub(crate) apps: Vec<AppName>,
    /// `--wait`.
    pub(crate) wait: bool,
    /// `--wait-timeout`.
    pub(crate) wait_timeout: Option<Duration>,
    /// `--style`.
    pub(crate) style: Option<Style>,
    /// `--id`.
    pub(crate) id: bool,
    /// `--watch`, as the time between two runs.
    pub(crate) watch: Option<Duration>,
    /// `--reveal`.
    pub(crate) reveal: bool,
    /// `--raw`.
    pub(crate) raw: bool,
}

/// Adds a group of flags to a command.
type Augment = fn(Command) -> Command;

impl Declared {
    fn has_wait(self) -> bool {
        self.waits == Waits::Optional
    }

    fn has_wait_timeout(self) -> bool {
        self.waits != Waits::Never
    }

    fn has_style(self) -> bool {
        self.styles == Styles::Both
    }

    /// Adds these flags to a command.
    pub(crate) fn augment(self, command: Command) -> Command {
        let promotes = self.has_style();
        let groups: [(bool, Augment); 13] = [
            (self.has_wait() && promotes, WaitArgs::augment_args),
            (self.has_wait() && !promotes, RackWaitArgs::augment_args),
            (self.scope.has_rack() && !self.has_wait(), IgnoredWaitArgs::augment_args),
            (self.has_wait_timeout(), WaitTimeoutArgs::augment_args),
            (self.id, IdArgs::augment_args),
            (self.reveal, RevealArgs::augment_args),
            (self.raw, RawArgs::augment_args),
            (self.has_style(), StyleArgs::augment_args),
            (self.watch, WatchArgs::augment_args),
            (self.scope.has_app() && !self.many_apps, AppArgs::augment_args),
            (self.scope.has_app() && self.many_apps, AppsArgs::augment_args),
            (self.scope.has_rack(), RackArgs::augment_args),
            (self.scope.has_machine(), MachineArgs::augment_args),
        ];
        let augmented = groups.into_iter().filter(|(has, _)| *has);
        let command = augmented.fold(command, |command, (_, augment)| augment(command));
        EveryCommand::augment_args(command)
    }
}

/// Reads a group of flags, if the command has it.
fn read<T: FromArgMatches>(has: bool, matches: &ArgMatches) -> Result<Option<T>, clap::Error> {
    if has { T::from_arg_matches(matches).map(Some) } else { Ok(None) }
}

impl Site {
    fn read(scope: Scope, matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(match read::<MachineArgs>(scope.has_machine(), matches)? {
            Some(args) => Self::Machine(args.machine),
            None => {
                Self::Rack(read::<RackArgs>(scope.has_rack(), matches)?.and_then(|args| args.rack))
            }
        })
    }
}

impl GlobalArgs {
    /// Reads the flags that a command declares.
    ///
    /// # Errors
    /// clap's, if the command was not augmented with them.
    pub(crate) fn read(has: Declared, matches: &ArgMatches) -> Result<Self, clap::Error> {
        let every = EveryCommand::from_arg_matches(matches)?;
        let app = read::<AppArgs>(has.scope.has_app() && !has.many_apps, matches)?;
        let apps = read::<AppsArgs>(has.scope.has_app() && has.many_apps, matches)?;
        let apps = apps.map_or(Vec::new(), |args| args.apps);
        Ok(Self {
            json: every.json,
            debug: every.debug,
            insecure: every.insecure,
            site: Site::read(has.scope, matches)?,
            app: app.and_then(|args| args.app).or_else(|| apps.first().cloned()),
            apps,
            wait: read::<WaitArgs>(has.has_wait(), matches)?.is_some_and(|args| args.wait),
            wait_timeout: read::<WaitTimeoutArgs>(has.has_wait_timeout(), matches)?
                .and_then(|args| args.wait_timeout)
                .map(|timeout| timeout.0),
            style: read::<StyleArgs>(has.has_style(), matches)?.and_then(|args| args.style),
            id: read::<IdArgs>(has.id, matches)?.is_some_and(|args| args.id),
            watch: read::<WatchArgs>(has.watch, matches)?
                .and_then(|args| args.watch)
                .map(Duration::from_secs),
            reveal: read::<RevealArgs>(has.reveal, matches)?.is_some_and(|args| args.reveal),
            raw: read::<RawArgs>(has.raw, matches)?.is_some_and(|args| args.raw),
        })
    }
}
