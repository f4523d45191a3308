//! What scripts write that clap does not read by itself:
//!
//! - flags before the command: `convox -r dev apps`;
//! - values of switches: `--wait=true`, as the existing clients take them;
//! - our own flags behind the words of a remote command: `convox run web "rake db:migrate" -a app`.
//!
//! The words of a remote command themselves are never changed.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

use super::tree::COMMANDS;

/// Flags that may stand before the command, and whether they take a value.
const LEADING: [(&str, &str, bool); 6] = [
    ("-r", "--rack", true),
    ("-i", "--machine", true),
    ("-a", "--app", true),
    ("", "--json", false),
    ("", "--debug", false),
    ("", "--insecure", false),
];

/// Moves flags that stand before the command behind its words. `args` begins with the program.
pub(super) fn move_leading_flags(args: &[OsString]) -> Vec<OsString> {
    let mut start = 1;
    while let Some(width) = args.get(start).and_then(|arg| leading_width(arg)) {
        start += width;
    }
    let Some((program, flags)) = args.get(..start).and_then(<[_]>::split_first) else {
        return args.to_vec();
    };
    let words = &args[start..];
    let length = path_length(words);
    if flags.is_empty() || words.is_empty() {
        return args.to_vec();
    }
    if length == 0 {
        // What follows is a mistyped command, or asks for help: the flags have nothing to say.
        return [std::slice::from_ref(program), words].concat();
    }
    let (path, rest) = words.split_at(length);
    [std::slice::from_ref(program), path, flags, rest].concat()
}

/// How many arguments a leading flag takes up; `None` for anything else.
fn leading_width(arg: &OsStr) -> Option<usize> {
    let arg = arg.to_str()?;
    LEADING.iter().find_map(|(short, long, has_value)| match arg.strip_prefix(long) {
        Some("") => Some(1 + usize::from(*has_value)),
        Some(rest) if rest.starts_with('=') => Some(1),
        _ if arg == *short => Some(2),
        _ => None,
    })
}

/// The command or group that the first words name; empty if they name none.
pub(super) fn leading_path(args: &[OsString]) -> String {
    let words = args.get(1..).unwrap_or_default();
    let path = words[..path_length(words)].iter().filter_map(|word| word.to_str());
    path.collect::<Vec<_>>().join(" ")
}

/// How many of the first words name a command or a group.
pub(super) fn path_length(words: &[OsString]) -> usize {
    let is_path = |length: usize| {
        let words: Option<Vec<&str>> = words[..length].iter().map(|word| word.to_str()).collect();
        words.is_some_and(|words| {
            COMMANDS.iter().any(|spec| {
                let mut path = spec.words();
                words.iter().all(|word| path.next() == Some(word))
            })
        })
    };
    (1..=words.len()).take_while(|length| is_path(*length)).last().unwrap_or(0)
}

/// Rewrites the flags of the command that `args` name. From the positional argument of index
/// `foreign_from` on, words belong to a remote command.
pub(super) fn normalize(
    command: &Command,
    args: &[OsString],
    foreign_from: Option<usize>,
) -> Vec<OsString> {
    let flags = Flags::of(named_by(command, args));
    let split = foreign_from.and_then(|index| flags.start_of_positional(args, index));
    let (own, foreign) = args.split_at(split.unwrap_or(args.len()));
    let (foreign, trailing) = flags.split_trailing(foreign);
    let end = own.iter().position(|arg| arg == "--").unwrap_or(own.len());
    let (before, after) = own.split_at(end);
    let rewritten = before.iter().chain(trailing).filter_map(|arg| flags.without_value(arg));
    rewritten.chain(after.iter().cloned()).chain(foreign.iter().cloned()).collect()
}

/// The command that the first words name.
fn named_by<'a>(command: &'a Command, args: &[OsString]) -> &'a Command {
    let words = args.iter().skip(1).map_while(|arg| arg.to_str());
    words
        .scan(command, |command, word| {
            *command = command.find_subcommand(word)?;
            Some(*command)
        })
        .last()
        .unwrap_or(command)
}

/// The flags of one command.
pub(super) struct Flags<'a>(Vec<&'a Arg>);

/// How an argument reads.
pub(super) enum Reading<'a> {
    /// A flag that is complete.
    Flag,
    /// A flag with its value, which begins at this byte.
    FlagWithValue(&'a Arg, usize),
    /// A flag whose value is the next argument.
    FlagBeforeValue(&'a Arg),
    /// `--`.
    End,
    /// Anything else.
    Positional,
}

impl<'a> Flags<'a> {
    pub(super) fn of(command: &'a Command) -> Self {
        Self(command.get_arguments().filter(|arg| !arg.is_positional()).collect())
    }

    pub(super) fn read(&self, arg: &OsStr) -> Reading<'a> {
        let Some(text) = arg.to_str() else { return Reading::Positional };
        if text == "--" {
            return Reading::End;
        }
        if let Some(long) = text.strip_prefix("--") {
            let name = long.split('=').next().unwrap_or(long);
            return match self.0.iter().find(|arg| arg.get_long() == Some(name)) {
                Some(arg) if takes_value(arg) && name == long => Reading::FlagBeforeValue(arg),
                Some(arg) if takes_value(arg) => Reading::FlagWithValue(arg, 3 + name.len()),
                Some(_) => Reading::Flag,
                None => Reading::Positional,
            };
        }
        let mut letters = text.strip_prefix('-').unwrap_or_default().chars();
        let Some(letter) = letters.next() else { return Reading::Positional };
        match self.0.iter().find(|arg| arg.get_short() == Some(letter)) {
            Some(arg) if takes_value(arg) => match letters.as_str() {
                "" => Reading::FlagBeforeValue(arg),
                rest => {
                    let equals = usize::from(rest.starts_with('='));
                    Reading::FlagWithValue(arg, text.len() - rest.len() + equals)
                }
            },
            Some(_) => Reading::Flag,
            None => Reading::Positional,
        }
    }

    /// Where in `args` the positional argument of this index stands.
    fn start_of_positional(&self, args: &[OsString], index: usize) -> Option<usize> {
        let path = path_length(args.get(1..).unwrap_or_default());
        let (mut at, mut seen) = (1 + path, 0);
        while let Some(arg) = args.get(at) {
            match self.read(arg) {
                Reading::Flag | Reading::FlagWithValue(..) => at += 1,
                Reading::FlagBeforeValue(_) => at += 2,
                Reading::End => return None,
                Reading::Positional if seen == index => return Some(at),
                Reading::Positional => {
                    seen += 1;
                    at += 1;
                }
            }
        }
        None
    }

    /// Takes the longest group of our own flags, with their values, off the end of a remote
    /// command. The command keeps its first word, and everything if it contains a `--`.
    fn split_trailing<'b>(&self, foreign: &'b [OsString]) -> (&'b [OsString], &'b [OsString]) {
        let is_ours = |start: &usize| self.are_all_flags(&foreign[*start..]);
        let start = match foreign.iter().any(|arg| arg == "--") {
            true => None,
            false => (1..foreign.len()).find(is_ours),
        };
        foreign.split_at(start.unwrap_or(foreign.len()))
    }

    fn are_all_flags(&self, args: &[OsString]) -> bool {
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            match self.read(arg) {
                Reading::Flag | Reading::FlagWithValue(..) => at += 1,
                Reading::FlagBeforeValue(_) if at + 1 < args.len() => at += 2,
                _ => return false,
            }
        }
        true
    }

    /// A switch without its `=true`; nothing for a switch that is switched off. Other values are
    /// left to clap, which refuses them.
    fn without_value(&self, arg: &OsString) -> Option<OsString> {
        let given = arg.to_str().and_then(|arg| arg.strip_prefix("--")?.split_once('='));
        let is_switch =
            |name: &str| self.0.iter().any(|arg| arg.get_long() == Some(name) && !takes_value(arg));
        match given {
            Some((name, "true" | "1")) if is_switch(name) => Some(format!("--{name}").into()),
            Some((name, "false" | "0")) if is_switch(name) => None,
            _ => Some(arg.clone()),
        }
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::full_command;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn line(args: Vec<OsString>) -> String {
        args.join(OsStr::new(" ")).into_string().unwrap()
    }

    fn normalized(text: &str) -> String {
        line(normalize(&full_command(), &args(text), None))
    }

    #[test]
    fn a_switch_may_have_a_value() {
        assert_eq!(normalized("convox deploy --wait=true --id=false ."), "convox deploy --wait .");
        assert_eq!(
            normalized("convox logs --no-follow=1 -a web"),
            "convox logs --no-follow -a web"
        );
    }

    #[test]
    fn other_values_and_words_stay_as_they_are() {
        for line in [
            "convox deploy --wait=yes",
            "convox deploy --app=true",
            "convox env set -- --wait=true",
            "convox env set A=true",
        ] {
            assert_eq!(normalized(line), line);
        }
    }

    #[test]
    fn flags_before_the_command_move_behind_its_words() {
        let moved = |text: &str| line(move_leading_flags(&args(text)));
        assert_eq!(moved("convox -r dev apps"), "convox apps -r dev");
        assert_eq!(
            moved("convox --rack=dev -a web releases promote R1"),
            "convox releases promote --rack=dev -a web R1"
        );
        for unchanged in ["convox apps -r dev", "convox -r dev", "convox --version", "convox"] {
            assert_eq!(moved(unchanged), unchanged);
        }
        assert_eq!(moved("convox -r dev depoy"), "convox depoy");
        assert_eq!(moved("convox -r dev --help"), "convox --help");
    }

    /// A command that hands its words to a process, as `run` does.
    fn run() -> Command {
        let run = Command::new("deploy")
            .arg(Arg::new("service"))
            .arg(Arg::new("app").short('a').long("app"))
            .arg(Arg::new("detach").short('d').long("detach").action(ArgAction::SetTrue))
            .arg(Arg::new("words").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true));
        Command::new("convox").subcommand(run)
    }

    fn with_foreign_words(text: &str) -> String {
        line(normalize(&run(), &args(text), Some(1)))
    }

    #[test]
    fn the_words_of_a_remote_command_are_not_changed() {
        for line in [
            "convox deploy web ls --detach=true -x",
            "convox deploy -a app web ls --all=true",
            "convox deploy web ls -a app -- -d",
            "convox deploy web ls -a app file",
            "convox deploy -- web ls --detach=true",
        ] {
            assert_eq!(with_foreign_words(line), line);
        }
    }

    #[test]
    fn a_trailing_group_of_our_own_flags_is_ours() {
        for (text, expected) in [
            ("convox deploy web rake -a app", "convox deploy web -a app rake"),
            (
                "convox deploy web rake -x -a app --detach",
                "convox deploy web -a app --detach rake -x",
            ),
            ("convox deploy --detach=false web ls", "convox deploy web ls"),
        ] {
            assert_eq!(with_foreign_words(text), expected);
        }
    }
}
