//! Usage errors in the form of all other errors: `ERROR: …`, then what to do about it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::normalize::{leading_path, move_leading_flags};
use super::{cloud, words};
use crate::args::Site;
use crate::error::{CommandError, Hint, HintContext};

/// A command line that can't be understood.
pub(crate) struct UsageError {
    pub(crate) error: CommandError,
    /// The rack or machine and the app that the line names, for the hints.
    pub(crate) hints: HintContext,
}

impl UsageError {
    /// Translates clap's error about `args`, which begin with the program. `path` is the command
    /// that the line names.
    pub(super) fn new(error: &clap::Error, args: &[OsString], path: &str) -> Self {
        let error = match unknown_word(error) {
            Some(word) => unknown_command(path, &word),
            None => in_our_form(&error.to_string(), path, wrong_place(error, path)),
        };
        Self { error, hints: context(args) }
    }

    /// `help` for words that name neither a command nor a topic.
    pub(super) fn unknown_words(words: &[String], given: &[OsString]) -> Self {
        let is_known = |length: &usize| super::is_known(&words[..*length].join(" "));
        let known = (1..words.len()).take_while(is_known).last().unwrap_or(0);
        let word = words.get(known).map_or("", String::as_str);
        let mut error = unknown_command(&words[..known].join(" "), word);
        if known == 0 {
            error = error.hint("the topics are: racks, environment, exit-codes, manifest, scripts");
        }
        Self { error, hints: context(given) }
    }

    /// A command line that names only a group of commands.
    pub(super) fn without_subcommand(path: &str, args: &[OsString]) -> Self {
        let error = CommandError::usage(format!("`convox {path}` needs a subcommand"));
        Self { error: error.hint(see_help(path)), hints: context(args) }
    }
}

/// The word that should name a command but does not.
fn unknown_word(error: &clap::Error) -> Option<String> {
    match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => Some(word.clone()),
        _ => None,
    }
}

/// Advice on a flag that names a rack where a machine is expected, or a machine elsewhere.
fn wrong_place(error: &clap::Error, path: &str) -> Option<&'static str> {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return None;
    };
    match (flag.as_str(), path.split(' ').next() == Some(cloud::WORD)) {
        ("-r" | "--rack", true) => Some("name the machine with --machine, or -i"),
        ("-i" | "--machine", false) => Some("only `convox cloud` commands act on machines"),
        _ => None,
    }
}

/// The error for a word that names no command below `path`.
fn unknown_command(path: &str, word: &str) -> CommandError {
    let words = format!("{path} {word}");
    let error = CommandError::usage(format!("no such command: {}", words.trim_start()));
    let advice = words::advice(path, word);
    let hints = if advice.is_empty() { vec![see_help(path)] } else { advice };
    error.with_hints(hints)
}

/// clap prints paragraphs: what is wrong, tips, the usage, and where the help is.
fn in_our_form(text: &str, path: &str, advice: Option<&'static str>) -> CommandError {
    let mut paragraphs = text.trim_end().split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let mut error = CommandError::usage(one_line(first.trim_start_matches("error: ")));
    if let Some(advice) = advice {
        error = error.hint(advice);
    }
    for paragraph in paragraphs {
        // That a flag could be meant as a value is rarely true.
        let tip = paragraph.trim_start().strip_prefix("tip: ");
        if let Some(tip) = tip.filter(|tip| !tip.starts_with("to pass ")) {
            error = error.hint(one_line(tip));
        } else if let Some(usage) = paragraph.strip_prefix("Usage: ") {
            for line in usage.lines() {
                error = error.hint(format!("usage: {}", line.trim()));
            }
        }
    }
    error.hint(see_help(path))
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn see_help(path: &str) -> Hint {
    Hint::Sentence(format!("see: convox {path} --help").replace("  ", " "))
}

/// The rack or machine and the app that the flags name, as far as they can be read.
fn context(args: &[OsString]) -> HintContext {
    HintContext {
        site: site(args),
        app: value(args, "-a", "--app").and_then(|name| name.parse().ok()),
        commands: super::INDEX,
        ..HintContext::default()
    }
}

fn site(args: &[OsString]) -> Site {
    let path = leading_path(&move_leading_flags(args));
    if path.split(' ').next() == Some(cloud::WORD) {
        return Site::Machine(value(args, "-i", "--machine").and_then(|name| name.parse().ok()));
    }
    Site::Rack(value(args, "-r", "--rack").and_then(|name| name.parse().ok()))
}

fn value<'a>(args: &'a [OsString], short: &str, long: &str) -> Option<&'a str> {
    let mut args = args.iter().map_while(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if arg == short || arg == long {
            return args.next();
        }
        if let Some(value) = arg.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}
