//! Every command, in the order of the help.

use clap::{Args as _, FromArgMatches};

use super::{CommandSpec, Effect, Styles};
use crate::commands;

/// `command!("releases promote", releases::promote, Write, Both)`: the words, the module with
/// `Args` and `run`, what it does, how many forms it has, and whether it streams.
macro_rules! command {
    ([$($word:literal),+], $($module:ident)::+, $effect:ident) => {
        command!([$($word),+], $($module)::+, $effect, V3, false)
    };
    ([$($word:literal),+], $($module:ident)::+, $effect:ident, $styles:ident, $streams:literal) => {
        CommandSpec {
            words: &[$($word),+],
            effect: Effect::$effect,
            styles: Styles::$styles,
            streams: $streams,
            augment: commands::$($module)::+::Args::augment_args,
            start: |matches, cx| {
                let args = commands::$($module)::+::Args::from_arg_matches(matches)?;
                Ok(Box::pin(commands::$($module)::+::run(args, cx)))
            },
        }
    };
}

/// The commands.
pub(crate) static COMMANDS: &[CommandSpec] = &[
    command!(["deploy"], deploy, Write, Both, true),
    command!(["build"], build, Write, V3, true),
    command!(["builds"], builds::list, Read),
    command!(["builds", "info"], builds::info, Read),
    command!(["builds", "logs"], builds::logs, Read, V3, true),
    command!(["releases"], releases::list, Read, Both, false),
    command!(["releases", "info"], releases::info, Read),
    command!(["releases", "manifest"], releases::manifest, Read),
    command!(["releases", "promote"], releases::promote, Write, Both, false),
    command!(["releases", "rollback"], releases::rollback, Write),
    command!(["releases", "create-from"], releases::create_from, Write),
    command!(["apps"], apps::list, Read, Both, false),
    command!(["apps", "create"], apps::create, Write),
    command!(["apps", "delete"], apps::delete, Write),
    command!(["apps", "info"], apps::info, Read),
    command!(["apps", "wait"], apps::wait, Read),
    command!(["services"], services::list, Read),
    command!(["env"], env::list, Read),
    command!(["env", "get"], env::get, Read),
    command!(["env", "set"], env::set, Write),
    command!(["env", "unset"], env::unset, Write),
    command!(["logs"], logs, Read, V3, true),
    command!(["rack"], rack::info, Read),
    command!(["rack", "start"], rack::start, Serve),
    command!(["rack", "stop"], rack::stop, Write),
    command!(["rack", "status"], rack::status, Read),
    command!(["racks"], racks, Read),
    command!(["switch"], switch, Write),
    command!(["login"], login, Write),
    command!(["version"], version, Read),
    command!(["completions"], completions, Read),
    command!(["man"], man, Read),
];
