//! Flags that a command gets from its scope and its other properties in the tree, read once for
//! all commands.
//!
//! Plain comments instead of doc comments on the structs: clap would show those as the help of the
//! command.

use std::time::Duration;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::spec::{CommandSpec, Scope, Styles, Waits};
use crate::settings::Style;
use convox_wire::duration::GoDuration;
use convox_wire::{AppName, RackName};

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
struct MachineArgs {
    /// Machine name
    #[arg(short, long, value_name = "NAME")]
    machine: Option<String>,
}

#[derive(Args)]
struct WaitArgs {
    /// Wait until the release is running
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
    /// Style of output and waiting: classic (the default) or v3
    #[arg(long, value_name = "STYLE")]
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
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
    /// `--rack`.
    pub(crate) rack: Option<RackName>,
    /// `--app`.
    pub(crate) app: Option<AppName>,
    /// `--machine`.
    pub(crate) machine: Option<String>,
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

/// Adds the flags that `spec` has.
pub(super) fn augment(spec: &CommandSpec, mut command: Command) -> Command {
    let has = Has::of(spec);
    if has.wait {
        command = WaitArgs::augment_args(command);
    }
    if has.ignored_wait {
        command = IgnoredWaitArgs::augment_args(command);
    }
    if has.wait_timeout {
        command = WaitTimeoutArgs::augment_args(command);
    }
    if has.id {
        command = IdArgs::augment_args(command);
    }
    if has.reveal {
        command = RevealArgs::augment_args(command);
    }
    if has.raw {
        command = RawArgs::augment_args(command);
    }
    if has.style {
        command = StyleArgs::augment_args(command);
    }
    if has.watch {
        command = WatchArgs::augment_args(command);
    }
    if has.app {
        command = AppArgs::augment_args(command);
    }
    if has.rack {
        command = RackArgs::augment_args(command);
    }
    if has.machine {
        command = MachineArgs::augment_args(command);
    }
    EveryCommand::augment_args(command)
}

/// Which groups of flags a command has.
struct Has {
    rack: bool,
    app: bool,
    machine: bool,
    wait: bool,
    ignored_wait: bool,
    wait_timeout: bool,
    style: bool,
    id: bool,
    watch: bool,
    reveal: bool,
    raw: bool,
}

impl Has {
    fn of(spec: &CommandSpec) -> Self {
        let rack = matches!(spec.scope, Scope::Rack | Scope::App);
        Self {
            rack,
            app: spec.scope == Scope::App,
            machine: spec.scope == Scope::Machine,
            wait: spec.waits == Waits::Optional,
            ignored_wait: rack && spec.waits != Waits::Optional,
            wait_timeout: spec.waits != Waits::Never,
            style: spec.styles == Styles::Both,
            id: spec.id,
            watch: spec.watch,
            reveal: spec.reveal,
            raw: spec.raw,
        }
    }
}

/// Reads a group of flags, if the command has it.
fn read<T: FromArgMatches>(has: bool, matches: &ArgMatches) -> Result<Option<T>, clap::Error> {
    if has { T::from_arg_matches(matches).map(Some) } else { Ok(None) }
}

impl GlobalArgs {
    /// Reads the flags that `spec` has.
    ///
    /// # Errors
    /// clap's own, for a tree that does not declare what is read here.
    pub(super) fn read(spec: &CommandSpec, matches: &ArgMatches) -> Result<Self, clap::Error> {
        let has = Has::of(spec);
        let every = EveryCommand::from_arg_matches(matches)?;
        Ok(Self {
            json: every.json,
            debug: every.debug,
            insecure: every.insecure,
            rack: read::<RackArgs>(has.rack, matches)?.and_then(|args| args.rack),
            app: read::<AppArgs>(has.app, matches)?.and_then(|args| args.app),
            machine: read::<MachineArgs>(has.machine, matches)?.and_then(|args| args.machine),
            wait: read::<WaitArgs>(has.wait, matches)?.is_some_and(|args| args.wait),
            wait_timeout: read::<WaitTimeoutArgs>(has.wait_timeout, matches)?
                .and_then(|args| args.wait_timeout)
                .map(|timeout| timeout.0),
            style: read::<StyleArgs>(has.style, matches)?.and_then(|args| args.style),
            id: read::<IdArgs>(has.id, matches)?.is_some_and(|args| args.id),
            watch: read::<WatchArgs>(has.watch, matches)?
                .and_then(|args| args.watch)
                .map(Duration::from_secs),
            reveal: read::<RevealArgs>(has.reveal, matches)?.is_some_and(|args| args.reveal),
            raw: read::<RawArgs>(has.raw, matches)?.is_some_and(|args| args.raw),
        })
    }
}
