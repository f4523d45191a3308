//! Every command, in the order of the help.

use clap::{Args as _, FromArgMatches};

use super::{Form, Leaf, Purpose};
use crate::commands;

/// `leaf!("releases promote", releases::promote, Changes, OneOfTwo)`: the words, the module with
/// `Args` and `run`, what it does, how many forms it has, and whether it streams.
macro_rules! leaf {
    ([$($word:literal),+], $($module:ident)::+, $purpose:ident) => {
        leaf!([$($word),+], $($module)::+, $purpose, One, false)
    };
    ([$($word:literal),+], $($module:ident)::+, $purpose:ident, $form:ident, $streams:literal) => {
        Leaf {
            words: &[$($word),+],
            purpose: Purpose::$purpose,
            form: Form::$form,
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
pub(crate) static LEAVES: &[Leaf] = &[
    leaf!(["deploy"], deploy, Changes, OneOfTwo, true),
    leaf!(["build"], build, Changes, One, true),
    leaf!(["builds"], builds::list, Reads),
    leaf!(["builds", "info"], builds::info, Reads),
    leaf!(["builds", "logs"], builds::logs, Reads, One, true),
    leaf!(["releases"], releases::list, Reads, OneOfTwo, false),
    leaf!(["releases", "info"], releases::info, Reads),
    leaf!(["releases", "manifest"], releases::manifest, Reads),
    leaf!(["releases", "promote"], releases::promote, Changes, OneOfTwo, false),
    leaf!(["releases", "rollback"], releases::rollback, Changes),
    leaf!(["releases", "create-from"], releases::create_from, Changes),
    leaf!(["apps"], apps::list, Reads, OneOfTwo, false),
    leaf!(["apps", "create"], apps::create, Changes),
    leaf!(["apps", "delete"], apps::delete, Changes),
    leaf!(["apps", "info"], apps::info, Reads),
    leaf!(["apps", "wait"], apps::wait, Reads),
    leaf!(["services"], services::list, Reads),
    leaf!(["env"], env::list, Reads),
    leaf!(["env", "get"], env::get, Reads),
    leaf!(["env", "set"], env::set, Changes),
    leaf!(["env", "unset"], env::unset, Changes),
    leaf!(["logs"], logs, Reads, One, true),
    leaf!(["rack"], rack::info, Reads),
    leaf!(["rack", "start"], rack::start, Serves),
    leaf!(["rack", "stop"], rack::stop, Changes),
    leaf!(["rack", "status"], rack::status, Reads),
    leaf!(["racks"], racks, Reads),
    leaf!(["switch"], switch, Changes),
    leaf!(["login"], login, Changes),
    leaf!(["version"], version, Reads),
    leaf!(["completions"], completions, Reads),
    leaf!(["man"], man, Reads),
];
