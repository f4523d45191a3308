//! From the arguments to a command with its flags.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command};

use super::normalize::{leading_path, move_leading_flags, normalize};
use super::spec::CommandSpec;
use super::tree::COMMANDS;
use super::usage::UsageError;
use super::{find, full_command, help, named_only, subcommand_only};
use crate::args::GlobalArgs;

/// What a command line means.
pub(crate) enum Parsed {
    /// A command with its arguments.
    Command(&'static CommandSpec, ArgMatches, Box<GlobalArgs>),
    /// Help, or the version: goes to stdout.
    Text(String),
    /// A line that can't be understood.
    Usage(Box<UsageError>),
}

/// Reads a command line. `args` begins with the program.
pub(crate) fn parse(given: &[OsString]) -> Parsed {
    let args = move_leading_flags(given);
    let given_first = args.get(1).and_then(|first| first.to_str());
    let mut words = COMMANDS.iter().filter_map(|spec| spec.words().next());
    let first = words.find(|word| Some(*word) == given_first);
    let mut command = match first {
        Some(first) => named_only(first, &args),
        None => full_command(),
    };
    let foreign_from = foreign_from(&args);
    let args = normalize(&command, &args, foreign_from);
    let matches = command.try_get_matches_from_mut(&args).or_else(|error| match first {
        // Help and errors also show the commands that are not named.
        Some(first) => subcommand_only(first).try_get_matches_from(&args),
        None => Err(error),
    });
    match matches {
        Ok(matches) => match empty_argument(&command, &matches) {
            Some(error) => usage(&error, given),
            None => with_spec(matches, given),
        },
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            Parsed::Text(concat!(env!("CARGO_PKG_VERSION"), "\n").to_owned())
        }
        Err(error) if is_help(&error) => Parsed::Text(error.to_string()),
        Err(error) => usage(&error, given),
    }
}

/// Free text, which may be empty, by the names of its values.
const TEXT: [&str; 4] = ["OPTIONS", "PATTERN", "REGEX", "TEXT"];

/// Flags without which a command has words of its own, which an empty value gets, too.
const REQUIRED: [&str; 5] = ["branch", "commit", "data", "key", "role"];

/// Refuses an empty argument or value of a flag, as a shell variable that is not set leaves one: each
/// names something, and an empty name would select something else, or count as not given. Text and
/// the words of a remote command may be empty, and `KEY=VALUE` pairs have checks of their own.
fn empty_argument(mut command: &Command, mut matches: &ArgMatches) -> Option<clap::Error> {
    while let Some((word, below)) = matches.subcommand() {
        (command, matches) = (command.find_subcommand(word)?, below);
    }
    let is_checked = |arg: &&Arg| {
        let names = arg.get_value_names().unwrap_or_default();
        let may_be_empty = names.iter().any(|name| TEXT.contains(&name.as_str()))
            || arg.get_long().is_some_and(|long| REQUIRED.contains(&long));
        !may_be_empty && !arg.is_trailing_var_arg_set() && !arg.to_string().contains('=')
    };
    let is_empty = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        matches.try_get_raw(id).ok().flatten().is_some_and(|mut raw| raw.any(OsStr::is_empty))
    };
    let empty = command.get_arguments().filter(is_checked).find(is_empty)?;
    let name = match empty.get_long() {
        Some(long) => format!("--{long}"),
        None => format!("<{}>", empty.get_value_names().and_then(<[_]>::first)?),
    };
    Some(clap::Error::raw(ErrorKind::InvalidValue, format!("{name} is empty\n")))
}

fn usage(error: &clap::Error, given: &[OsString]) -> Parsed {
    let path = leading_path(&move_leading_flags(given));
    Parsed::Usage(Box::new(UsageError::new(error, given, &path)))
}

/// Without any arguments, the program prints its help, too.
fn is_help(error: &clap::Error) -> bool {
    !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

fn foreign_from(args: &[OsString]) -> Option<usize> {
    let words: Vec<&str> = args.iter().skip(1).map_while(|arg| arg.to_str()).collect();
    let named = |spec: &&CommandSpec| {
        let mut given = words.iter();
        spec.words().all(|word| given.next() == Some(&word))
    };
    let longest = COMMANDS.iter().filter(named).max_by_key(|spec| spec.path.len());
    longest.and_then(|spec| spec.foreign_from)
}

/// The command that the matches belong to, with its own matches.
fn with_spec(mut matches: ArgMatches, given: &[OsString]) -> Parsed {
    if let Some((help::NAME, help)) = matches.subcommand() {
        let words: Vec<String> = help.get_many("words").unwrap_or_default().cloned().collect();
        return help::explain(&words, given);
    }
    let mut words: Vec<String> = Vec::new();
    while let Some((word, below)) = matches.remove_subcommand() {
        words.push(word);
        matches = below;
    }
    let path = words.join(" ");
    let Some(spec) = find(&path) else {
        return Parsed::Usage(Box::new(UsageError::without_subcommand(&path, given)));
    };
    match GlobalArgs::read(spec.flags(), &matches) {
        Ok(global) => Parsed::Command(spec, matches, Box::new(global)),
        Err(error) => usage(&error, given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Parsed {
        let args: Vec<OsString> =
            shell_words::split(line).unwrap().into_iter().map(Into::into).collect();
        parse(&args)
    }

    fn usage(line: &str) -> String {
        match parsed(line) {
            Parsed::Usage(usage) => usage.error.message(),
            _ => panic!("{line} is not a usage error"),
        }
    }

    #[test]
    fn an_empty_name_is_refused_wherever_it_is_given() {
        for line in [
            "convox deploy -a ''",
            "convox services --app=",
            "convox apps info ''",
            "convox apps create ''",
            "convox apps delete ''",
            "convox apps wait ''",
        ] {
            assert!(usage(line).contains("the app name is empty"), "{line}: {}", usage(line));
        }
        assert!(usage("convox apps -r ''").contains("the rack name is empty"));
        assert!(usage("convox switch ''").contains("the rack name is empty"));
        assert!(usage("convox releases promote ''").contains("the release id is empty"));
        assert!(usage("convox builds logs ''").contains("the build id is empty"));
        assert!(usage("convox resources info ''").contains("the resource name is empty"));
        assert!(usage("convox logs -s ''").contains("the service name is empty"));
    }

    #[test]
    fn an_empty_argument_is_refused_by_every_command() {
        for line in [
            "convox env get ''",
            "convox env unset COLOR ''",
            "convox config get ''",
            "convox instances terminate ''",
            "convox registries remove ''",
            "convox certs delete ''",
            "convox rack update ''",
            "convox api get ''",
        ] {
            let error = usage(line);
            assert!(error.starts_with('<') && error.ends_with("> is empty"), "{line}: {error}");
        }
        for line in [
            "convox apps create web --generation ''",
            "convox certs generate web.test --issuer ''",
            "convox rack params -g ''",
            "convox cost --start ''",
        ] {
            let error = usage(line);
            assert!(error.starts_with("--") && error.ends_with(" is empty"), "{line}: {error}");
        }
        for line in ["convox build --description ''", "convox config set x --value ''"] {
            assert!(matches!(parsed(line), Parsed::Command(..)), "{line}");
        }
        for line in ["convox run web sh -c ''", "convox exec i-1 ''", "convox env set A="] {
            assert!(matches!(parsed(line), Parsed::Command(..)), "{line}");
        }
    }

    #[test]
    fn the_program_alone_shows_its_help_and_the_version_has_three_spellings() {
        for line in
            ["convox", "convox --help", "convox help", "convox -V", "convox -v", "convox --version"]
        {
            assert!(matches!(parsed(line), Parsed::Text(_)), "{line}");
        }
    }
}
