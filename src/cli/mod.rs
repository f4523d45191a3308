//! The command line: which commands there are, what each takes, and how a line is read.
//!
//! Only the commands that a line names are built; help, completions, manual pages and unknown words
//! build the whole tree.

mod cloud;
mod cursor;
pub(crate) mod help;
mod live;
mod normalize;
mod parse;
mod scripts;
mod spec;
mod tree;
mod usage;
mod words;

use std::ffi::OsString;
use std::io;

use clap::Command;
use clap_complete::Shell;

pub(crate) use cloud::original_of;
pub(crate) use cursor::{Wanted, wanted};
pub(crate) use live::LiveKind;
pub(crate) use parse::{Parsed, parse};
pub(crate) use spec::{CommandSpec, Effect, JsonForm, Running};
pub(crate) use tree::COMMANDS;

use crate::context::{CommandLine, ManualPage};
use crate::error::CommandIndex;
use tree::GROUPS;

/// The command of these words, separated by blanks.
pub(crate) fn find(path: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|spec| spec.path == path)
}

/// What hints have to know of commands.
pub(crate) const INDEX: CommandIndex = CommandIndex {
    scope_of: |path| find(path).map(|spec| spec.scope),
    on_machine: cloud::counterpart_of,
};

/// Whether these words name a command or a group.
fn is_known(path: &str) -> bool {
    find(path).is_some() || GROUPS.iter().any(|group| group.path == path)
}

/// The program with all of its commands.
pub(crate) fn full_command() -> Command {
    let nodes = words_below("").into_iter().map(|path| node(path, &|_| true));
    root().subcommands(nodes).subcommand(help::command())
}

/// The command line of the program.
pub(crate) struct Program;

impl CommandLine for Program {
    fn completions(&self, shell: Shell) -> String {
        scripts::completions(shell)
    }

    fn manual_page(&self, words: &[String]) -> io::Result<Option<ManualPage>> {
        help::page(words)
    }

    fn manual_pages(&self) -> io::Result<Vec<ManualPage>> {
        help::pages()
    }
}

/// The program with the commands below one word.
fn subcommand_only(first: &'static str) -> Command {
    root().subcommand(node(first, &|_| true))
}

/// The program with the commands below one word as far as `args` may name them. It reads a valid
/// line as the whole tree does.
fn named_only(first: &'static str, args: &[OsString]) -> Command {
    root().subcommand(node(first, &|name| args.iter().any(|arg| arg == name)))
}

/// What follows the list of commands.
const AFTER_HELP: &str = "\
Examples:
  convox init
  convox deploy --wait
  convox -r dev deploy --create

The rack `dev` is the development rack, which runs on this machine and needs no account.
`convox help COMMAND` explains a command. `convox help racks`, `environment`, `exit-codes`,
`manifest` and `scripts` explain these topics.";

fn root() -> Command {
    Command::new("convox")
        .about("Deploy apps to Convox racks and manage them")
        .after_help(AFTER_HELP)
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .arg_required_else_help(true)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .arg(
            clap::Arg::new("version")
                .short('V')
                .visible_short_alias('v')
                .long("version")
                .action(clap::ArgAction::Version)
                .help("Print the version"),
        )
}

/// The command or group of these words, with those below it whose name is wanted.
fn node(path: &'static str, wanted: &impl Fn(&str) -> bool) -> Command {
    let name = last_word(path);
    let below = words_below(path);
    let mut command = Command::new(name).args_override_self(true);
    if let Some(spec) = find(path) {
        command = spec.flags().augment((spec.augment)(command)).hide(spec.hidden);
        command = help::with_sections(command, spec);
        if !below.is_empty() {
            command = command.args_conflicts_with_subcommands(true).subcommand_negates_reqs(true);
        }
    } else {
        let about = GROUPS.iter().find(|group| group.path == path).map(|group| group.about);
        command = command.about(about.unwrap_or_default()).hide(is_hidden(path));
        command = command.subcommand_required(true).arg_required_else_help(true);
    }
    let below = below.into_iter().filter(|path| wanted(last_word(path)));
    command.subcommands(below.map(|path| node(path, wanted)))
}

fn last_word(path: &str) -> &str {
    path.rsplit(' ').next().unwrap_or(path)
}

/// Whether help leaves out these words: those of a hidden command, or of a group of hidden ones.
fn is_hidden(path: &str) -> bool {
    match find(path) {
        Some(spec) => spec.hidden,
        None => words_below(path).into_iter().all(is_hidden),
    }
}

/// The paths one word below `path`, in the order of the list.
fn words_below(path: &str) -> Vec<&'static str> {
    let mut below: Vec<&'static str> = Vec::new();
    for spec in COMMANDS {
        let start = match path {
            "" => 0,
            _ if spec.path.starts_with(path) && spec.path[path.len()..].starts_with(' ') => {
                path.len() + 1
            }
            _ => continue,
        };
        let end = spec.path[start..].find(' ').map_or(spec.path.len(), |length| start + length);
        if !below.contains(&&spec.path[..end]) {
            below.push(&spec.path[..end]);
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_the_whole_tree() {
        full_command().debug_assert();
    }

    #[test]
    fn a_subcommand_alone_is_the_same_as_in_the_whole_tree() {
        let whole = full_command();
        for spec in COMMANDS {
            let first = spec.words().next().unwrap();
            let help = |mut tree: Command| {
                tree.find_subcommand_mut(first).map(|word| word.render_long_help().to_string())
            };
            assert_eq!(help(subcommand_only(first)), help(whole.clone()), "{}", spec.path);
        }
    }
}
