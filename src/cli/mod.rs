//! The command tree: which words there are, and what each takes. Only the branch that the first
//! word names is built; help, completions, manual pages and unknown words build all of it.

pub(crate) mod flags;
mod switches;
mod tree;

use std::ffi::OsString;
use std::pin::Pin;

use clap::{ArgMatches, Args, Command};

use crate::context::Context;
use crate::outcome::{Failure, Outcome};

pub(crate) use tree::LEAVES;

/// A command on its way.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Failure>> + 'a>>;

/// What a command does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It only reads: when nobody reads its output any more, it ends.
    Reads,
    /// It changes something: it goes on without output.
    Changes,
    /// It serves others.
    Serves,
}

/// How many forms a command's output has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The one of the 3.x clients.
    One,
    /// The guide's and that of the 3.x clients.
    OneOfTwo,
}

/// A command: its words, its arguments, its body.
pub(crate) struct Leaf {
    pub(crate) words: &'static [&'static str],
    pub(crate) purpose: Purpose,
    pub(crate) form: Form,
    /// With `--json`: one line for each event instead of one document.
    pub(crate) streams: bool,
    pub(crate) augment: fn(Command) -> Command,
    pub(crate) start: for<'a> fn(&ArgMatches, &'a Context) -> Result<Running<'a>, clap::Error>,
}

/// What a command line is.
pub(crate) enum Parsed {
    /// A command with its arguments.
    Command(&'static Leaf, ArgMatches),
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
    let known = LEAVES.iter().map(|leaf| leaf.words[0]).find(|word| Some(*word) == first);
    let tree = match known {
        Some(first) => branch(first),
        None => whole_tree(),
    };
    match tree.clone().try_get_matches_from(switches::plain(&tree, args)) {
        Ok(matches) => find(matches),
        Err(error) if error.use_stderr() => Parsed::Usage(error.to_string()),
        Err(error) => Parsed::Text(error.to_string()),
    }
}

/// The leaf that the matches belong to, with its own.
fn find(mut matches: ArgMatches) -> Parsed {
    let mut words: Vec<String> = Vec::new();
    while let Some((word, below)) = matches.remove_subcommand() {
        words.push(word);
        matches = below;
    }
    match LEAVES.iter().find(|leaf| leaf.words.iter().eq(words.iter())) {
        Some(leaf) => Parsed::Command(leaf, matches),
        None => Parsed::Usage(format!("convox {}: a command is missing", words.join(" "))),
    }
}

/// The program with all of its commands.
pub(crate) fn whole_tree() -> Command {
    let mut names: Vec<&str> = LEAVES.iter().map(|leaf| leaf.words[0]).collect();
    names.dedup();
    root().subcommands(names.into_iter().map(|name| node(&[name])))
}

/// The program with the commands below one word.
fn branch(first: &'static str) -> Command {
    root().subcommand(node(&[first]))
}

fn root() -> Command {
    Command::new("convox")
        .about("Deploy apps to Convox racks, and look after them")
        .after_help("Example:\n  convox deploy --wait\n\nThe development rack needs no account: convox deploy --create -r dev")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(false)
        .infer_subcommands(false)
}

/// A word with everything below it.
fn node(words: &[&'static str]) -> Command {
    let own = LEAVES.iter().find(|leaf| leaf.words == words);
    let mut below: Vec<&'static str> = LEAVES
        .iter()
        .filter(|leaf| leaf.words.len() > words.len() && leaf.words.starts_with(words))
        .map(|leaf| leaf.words[words.len()])
        .collect();
    below.dedup();
    let name = words.last().copied().unwrap_or_default();
    let mut command = Command::new(name).args_override_self(true);
    if let Some(leaf) = own {
        command = flags::Everywhere::augment_args((leaf.augment)(command));
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
        whole_tree().debug_assert();
    }

    #[test]
    fn a_branch_is_the_same_as_in_the_whole_tree() {
        let whole = whole_tree();
        for leaf in LEAVES {
            let alone = branch(leaf.words[0]);
            let help = |mut tree: Command| {
                tree.find_subcommand_mut(leaf.words[0])
                    .map(|word| word.render_long_help().to_string())
            };
            assert_eq!(help(alone), help(whole.clone()), "{:?}", leaf.words);
        }
    }
}
