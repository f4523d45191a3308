//! The command tree: which words there are, and what each takes. Only the subcommand_only that the first
//! word names is built; help, completions, manual pages and unknown words build all of it.

mod bool_flags;
pub(crate) mod flags;
mod tree;

use std::ffi::OsString;
use std::pin::Pin;

use clap::{ArgMatches, Args, Command};

use crate::context::Context;
use crate::outcome::{CommandError, Outcome};

pub(crate) use tree::COMMANDS;

/// A command on its way.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome, CommandError>> + 'a>>;

/// What a command does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only reads: when nobody reads its output any more, it ends.
    Read,
    /// It changes something: it goes on without output.
    Write,
    /// It serves others.
    Serve,
}

/// How many forms a command's output has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Styles {
    /// The one of the 3.x clients.
    V3,
    /// The guide's and that of the 3.x clients.
    Both,
}

/// A command: its words, its arguments, its body.
pub(crate) struct CommandSpec {
    pub(crate) words: &'static [&'static str],
    pub(crate) effect: Effect,
    pub(crate) styles: Styles,
    /// With `--json`: one line for each event instead of one document.
    pub(crate) streams: bool,
    pub(crate) augment: fn(Command) -> Command,
    pub(crate) start: for<'a> fn(&ArgMatches, &'a Context) -> Result<Running<'a>, clap::Error>,
}

/// What a command line is.
pub(crate) enum Parsed {
    /// A command with its arguments.
    Command(&'static CommandSpec, ArgMatches),
    /// Help, or the version: goes to stdout.
    Text(String),
    /// Wrong, with clap's own words.
    Usage(String),
}

/// Understands a command line.
pub(crate) fn parse(args: &[OsString]) -> Parsed {
    let first = args.get(1).and_then(|first| first.to_str());
    if matches!(first, Some("-v" | "--version")) {
        return Parsed::Text(format!("{}\n", env!("CARGO_PKG_VERSION")));
    }
    let known = COMMANDS.iter().map(|command| command.words[0]).find(|word| Some(*word) == first);
    let tree = match known {
        Some(first) => subcommand_only(first),
        None => full_command(),
    };
    match tree.clone().try_get_matches_from(bool_flags::normalize(&tree, args)) {
        Ok(matches) => find(matches),
        Err(error) if error.use_stderr() => Parsed::Usage(error.to_string()),
        Err(error) => Parsed::Text(error.to_string()),
    }
}

/// The command that the matches belong to, with its own.
fn find(mut matches: ArgMatches) -> Parsed {
    let mut words: Vec<String> = Vec::new();
    while let Some((word, below)) = matches.remove_subcommand() {
        words.push(word);
        matches = below;
    }
    match COMMANDS.iter().find(|command| command.words.iter().eq(words.iter())) {
        Some(command) => Parsed::Command(command, matches),
        None => Parsed::Usage(format!("convox {}: a command is missing", words.join(" "))),
    }
}

/// The program with all of its commands.
pub(crate) fn full_command() -> Command {
    let mut names: Vec<&str> = COMMANDS.iter().map(|command| command.words[0]).collect();
    names.dedup();
    root().subcommands(names.into_iter().map(|name| node(&[name])))
}

/// The program with the commands below one word.
fn subcommand_only(first: &'static str) -> Command {
    root().subcommand(node(&[first]))
}

fn root() -> Command {
    Command::new("convox")
        .about("Deploy apps to Convox racks, and caps after them")
        .after_help("Example:\n  convox deploy --wait\n\nThe development rack needs no account: convox deploy --create -r dev")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(false)
        .infer_subcommands(false)
}

/// A word with everything below it.
fn node(words: &[&'static str]) -> Command {
    let own = COMMANDS.iter().find(|command| command.words == words);
    let mut below: Vec<&'static str> = COMMANDS
        .iter()
        .filter(|command| command.words.len() > words.len() && command.words.starts_with(words))
        .map(|command| command.words[words.len()])
        .collect();
    below.dedup();
    let name = words.last().copied().unwrap_or_default();
    let mut command = Command::new(name).args_override_self(true);
    if let Some(spec) = own {
        command = flags::Everywhere::augment_args((spec.augment)(command));
        if !below.is_empty() {
            command = command.args_conflicts_with_subcommands(true).subcommand_negates_reqs(true);
        }
    } else {
        command = command.subcommand_required(true).arg_required_else_help(true);
    }
    command.subcommands(below.into_iter().map(|word| node(&[words, &[word]].concat())))
}

/// The value of a flag that this command may not have.
pub(crate) fn value<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> Option<T> {
    matches.try_get_one::<T>(id).ok().flatten().cloned()
}

/// Was a flag given that this command may not have?
pub(crate) fn flag(matches: &ArgMatches, id: &str) -> bool {
    value::<bool>(matches, id).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_tree_is_what_clap_takes_for_sound() {
        full_command().debug_assert();
    }

    #[test]
    fn a_branch_is_the_same_as_in_the_whole_tree() {
        let whole = full_command();
        for command in COMMANDS {
            let alone = subcommand_only(command.words[0]);
            let help = |mut tree: Command| {
                tree.find_subcommand_mut(command.words[0])
                    .map(|word| word.render_long_help().to_string())
            };
            assert_eq!(help(alone), help(whole.clone()), "{:?}", command.words);
        }
    }
}
