//! Help: the sections below a command's options, and the topics.
//!
//! A command's file has its description and its examples. Everything else follows from the
//! properties of the command, by the tables in [`sections`].

mod machine;
mod man;
mod sections;
mod topics;

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, ArgAction, Command};

use super::parse::{Parsed, parse};
use super::spec::CommandSpec;
use super::usage::UsageError;

pub(super) use man::{page, pages};
use sections::{Body, Section};
pub(crate) use topics::EXIT_CODE_NOTES;
use topics::{TOPICS, Topic, find as topic};

/// The word that names the command.
pub(super) const NAME: &str = "help";

/// The command `help`, in place of clap's: it also knows the topics.
pub(super) fn command() -> Command {
    let words = Arg::new("words")
        .value_name("COMMAND|TOPIC")
        .action(ArgAction::Append)
        .num_args(0..)
        .value_parser(Words)
        .hide_possible_values(true)
        .help("Command or topic to explain");
    let topics = TOPICS.iter().map(|topic| format!("  {:13}{}", topic.name, topic.about));
    let topics = topics.collect::<Vec<_>>().join("\n");
    Command::new(NAME)
        .about("Explain a command or a topic")
        .arg(words)
        .after_help(format!("Examples:\n{EXAMPLES}\n\nTopics:\n{topics}"))
}

/// Takes any word: unknown ones get advice. Completions offer the first words and the topics.
#[derive(Clone)]
struct Words;

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        _: &Command,
        _: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        Ok(value.to_string_lossy().into_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let commands = super::words_below("").into_iter().map(PossibleValue::new);
        let topics = TOPICS.iter().map(|topic| topic.name);
        let topics = topics.filter(|name| super::find(name).is_none()).map(PossibleValue::new);
        Some(Box::new(commands.chain(topics)))
    }
}

const EXAMPLES: &str = "  convox help releases promote\n  convox help environment";

/// The text that `help` prints about these words. `given` is the whole line.
pub(super) fn explain(words: &[String], given: &[OsString]) -> Parsed {
    let path = words.join(" ");
    match topics::find(&path) {
        Some(topic) if super::find(&path).is_none() => Parsed::Text(topic.text()),
        _ if words.is_empty() || path == NAME || super::is_known(&path) => {
            let program = given.first().cloned();
            let words = words.iter().map(OsString::from);
            let line: Vec<OsString> =
                program.into_iter().chain(words).chain(["--help".into()]).collect();
            parse(&line)
        }
        _ => Parsed::Usage(Box::new(UsageError::unknown_words(words, given))),
    }
}

/// Adds the sections of a command to its long help, below its examples.
pub(super) fn with_sections(command: Command, spec: &CommandSpec) -> Command {
    let command = with_remark(command, spec);
    let examples = examples(&command, spec);
    let long: Vec<String> = sections::of(spec, &command).iter().map(Section::text).collect();
    command.after_help(examples).after_long_help(long.join("\n"))
}

/// Adds to the first line of a command's help on which racks it works, if not on all.
fn with_remark(command: Command, spec: &CommandSpec) -> Command {
    let Some(remark) = spec.remark() else { return command };
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map(ToString::to_string);
    let noted = format!("{about} ({remark})");
    let command = match long.as_deref().and_then(|long| long.strip_prefix(about.as_str())) {
        Some(rest) => command.long_about(format!("{noted}{rest}")),
        None => command,
    };
    command.about(noted)
}

/// The sections of a command in a manual page. Groups and the program have those of their text.
fn sections_of(path: &str, command: &Command) -> Vec<Section> {
    match super::find(path) {
        Some(spec) => sections::of(spec, command),
        None => sections::of_group(command),
    }
}

/// The examples of a command, as text for its short help.
fn examples(command: &Command, spec: &CommandSpec) -> String {
    sections::examples(command, Some(spec)).iter().map(Section::text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::COMMANDS;

    fn text(line: &str) -> String {
        match parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>()) {
            Parsed::Text(text) => text,
            _ => panic!("{line} prints no text"),
        }
    }

    #[test]
    fn help_prints_what_the_flag_prints() {
        for spec in COMMANDS {
            let (help, flag) =
                (format!("convox help {}", spec.path), format!("convox {} --help", spec.path));
            assert_eq!(text(&help), text(&flag), "{}", spec.path);
        }
        assert_eq!(text("convox help"), text("convox --help"));
        assert_eq!(text("convox help help"), text("convox help --help"));
    }

    #[test]
    fn topics_are_printed_and_listed_and_one_with_the_name_of_a_command_is_part_of_its_help() {
        for topic in TOPICS {
            let printed = text(&format!("convox help {}", topic.name));
            assert!(printed.contains(topic.text().lines().last().unwrap()), "{printed}");
            assert!(text("convox help help").contains(topic.name));
            assert!(text("convox").contains(topic.name));
            assert!(topic.text().lines().all(|line| line.chars().count() <= 80), "{}", topic.name);
        }
    }

    /// The line of an example, without what it has of the shell.
    fn convox_part(example: &str) -> &str {
        let from = example.find("convox ").map_or(example, |at| &example[at..]);
        let ends = [" | ", " > ", " < ", " && ", ")"];
        let end = ends.iter().filter_map(|end| from.find(end)).min();
        &from[..end.unwrap_or(from.len())]
    }

    #[test]
    fn every_command_has_two_examples_or_more_that_it_understands() {
        let mut short = Vec::new();
        for spec in COMMANDS.iter().filter(|spec| !spec.hidden) {
            let command = (spec.augment)(Command::new("x"));
            let lines = sections::example_lines(&command, Some(spec));
            let runs = lines.iter().filter(|line| !line.starts_with('#'));
            let mut own = 0;
            for line in runs {
                let words = shell_words::split(convox_part(line)).unwrap();
                let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
                match parse(&words) {
                    Parsed::Command(read, ..) => own += usize::from(read.path == spec.path),
                    Parsed::Usage(usage) => panic!("{line}: {}", usage.error.message()),
                    Parsed::Text(_) => panic!("{line} prints help"),
                }
            }
            if own < 2 {
                short.push((spec.path, lines));
            }
        }
        assert!(short.is_empty(), "{short:#?}");
    }

    #[test]
    fn sections_apply_where_they_are_true() {
        let deploy = text("convox deploy --help");
        for part in [
            "Environment:\n",
            "CONVOX_WAIT",
            "CONVOX_STYLE",
            "Files:\n",
            ".dockerignore",
            "Exit status:\n",
            "\n  124  ",
            "See also:\n",
            "convox help manifest",
            "\n  130  ",
        ] {
            assert!(deploy.contains(part), "{part} in {deploy}");
        }
        let apps = text("convox apps --help");
        for part in ["124", "CONVOX_WAIT", ".dockerignore", "CONVOX_APP"] {
            assert!(!apps.contains(part), "{part} in {apps}");
        }
        assert!(text("convox run --help").contains("exit code of the remote command"));
        assert!(!text("convox deploy -h").contains("Exit status"), "the short help is short");
    }
}
