//! What the word at the cursor of a shell stands for.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::cloud;
use super::live::LiveKind;
use super::normalize::{Flags, Reading, leading_path, move_leading_flags};
use super::{root, subcommand_only, tree::COMMANDS};
use crate::args::{Declared, Site};
use convox_wire::AppName;

/// A word that names something of a rack.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What it names.
    pub(crate) kind: LiveKind,
    /// What is typed of it; without the flag in `--app=NAME`.
    pub(crate) typed: String,
    /// The rack or machine that the line names.
    pub(crate) site: Site,
    /// The app that the line names.
    pub(crate) app: Option<AppName>,
    /// `--insecure`.
    pub(crate) insecure: bool,
    /// The commands that could stand there instead, with what they do.
    pub(crate) commands: Vec<(String, String)>,
}

/// Finds out what the word of index `cursor` names. The first word is the program. Returns `None` if
/// the word is a command, a flag, or anything else that a rack does not know.
pub(crate) fn wanted(words: &[String], cursor: usize) -> Option<Wanted> {
    let typed = words.get(cursor)?;
    let before: Vec<OsString> = words.get(..cursor)?.iter().map(OsString::from).collect();
    let before = move_leading_flags(&before);
    let path = leading_path(&before);
    let tree = tree(&path);
    let command = path.split_whitespace().try_fold(&tree, |command, word| {
        command.find_subcommand(word) // the tree is that of the path
    })?;
    let mut line = Line::of(command);
    for word in before.iter().skip(1 + path.split_whitespace().count()) {
        line.read(word.to_str()?);
    }
    let at_start = line.is_at_start();
    let (arg, value) = line.value(typed)?;
    let kind = LiveKind::of(arg)?;
    let typed = value.to_owned();
    words.iter().skip(cursor + 1).for_each(|word| line.read(word));
    let listed = command.get_subcommands().filter(|_| at_start && arg.is_positional());
    let commands = listed.filter(|below| !below.is_hide_set()).map(|below| {
        (
            below.get_name().to_owned(),
            below.get_about().map(ToString::to_string).unwrap_or_default(),
        )
    });
    Some(Wanted {
        kind,
        typed,
        site: line.site(&path),
        app: line.given(LiveKind::App).and_then(|name| name.parse().ok()),
        insecure: words.iter().any(|word| word == "--insecure"),
        commands: commands.collect(),
    })
}

/// The part of the tree that a path is in. Without a path, only leading flags can be typed.
fn tree(path: &str) -> Command {
    let first = path.split_whitespace().next();
    let mut known = COMMANDS.iter().filter_map(|spec| spec.words().next());
    match known.find(|word| Some(*word) == first) {
        Some(first) => subcommand_only(first),
        None => Declared::LEADING.augment(root()),
    }
}

/// The words behind those of a command, as they are read one after the other.
struct Line<'a> {
    flags: Flags<'a>,
    positionals: Vec<&'a Arg>,
    /// The flag whose value comes next.
    pending: Option<&'a Arg>,
    /// How many positional arguments were read.
    seen: usize,
    /// After `--`.
    only_positionals: bool,
    values: Vec<(&'a Arg, String)>,
}

impl<'a> Line<'a> {
    fn of(command: &'a Command) -> Self {
        Self {
            flags: Flags::of(command),
            positionals: command.get_positionals().collect(),
            pending: None,
            seen: 0,
            only_positionals: false,
            values: Vec::new(),
        }
    }

    fn is_at_start(&self) -> bool {
        self.seen == 0 && self.pending.is_none() && !self.only_positionals
    }

    fn read(&mut self, word: &str) {
        if let Some((arg, value)) = self.value(word) {
            self.values.push((arg, value.to_owned()));
        }
    }

    /// The argument that a word gives a value to, and the value in it.
    fn value<'w>(&mut self, word: &'w str) -> Option<(&'a Arg, &'w str)> {
        if let Some(arg) = self.pending.take() {
            return Some((arg, word));
        }
        if self.only_positionals {
            return self.positional(word);
        }
        match self.flags.read(word.as_ref()) {
            Reading::FlagWithValue(arg, at) => Some((arg, word.get(at..)?)),
            Reading::FlagBeforeValue(arg) => {
                self.pending = Some(arg);
                None
            }
            Reading::End => {
                self.only_positionals = true;
                None
            }
            Reading::Flag => None,
            Reading::Positional if word.starts_with('-') => None,
            Reading::Positional => self.positional(word),
        }
    }

    fn positional<'w>(&mut self, word: &'w str) -> Option<(&'a Arg, &'w str)> {
        let arg = self.positionals.get(self.seen).or_else(|| {
            self.positionals
                .last()
                .filter(|last| last.get_num_args().is_some_and(|count| count.max_values() > 1))
        })?;
        self.seen += 1;
        Some((arg, word))
    }

    /// Where the command of this path acts.
    fn site(&self, path: &str) -> Site {
        match path.split(' ').next() == Some(cloud::WORD) {
            true => Site::Machine(self.given(LiveKind::Machine).and_then(|name| name.parse().ok())),
            false => Site::Rack(self.given(LiveKind::Rack).and_then(|name| name.parse().ok())),
        }
    }

    /// The first value of this kind: of several apps, the line is about the first.
    fn given(&self, kind: LiveKind) -> Option<&str> {
        let found = self.values.iter().find(|(arg, _)| LiveKind::of(arg) == Some(kind));
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the word before `|` names; words behind it follow.
    fn at(line: &str) -> Option<Wanted> {
        let (before, after) = line.split_once('|').unwrap();
        let mut words: Vec<String> = before.split(' ').map(str::to_owned).collect();
        let cursor = words.len() - 1;
        words.extend(after.split_whitespace().map(str::to_owned));
        wanted(&words, cursor)
    }

    fn kind(line: &str) -> Option<LiveKind> {
        at(line).map(|wanted| wanted.kind)
    }

    #[test]
    fn arguments_are_known_by_their_place() {
        for (line, expected) in [
            ("convox releases promote |", LiveKind::Release),
            ("convox releases diff RA |", LiveKind::Release),
            ("convox builds logs B|", LiveKind::Build),
            ("convox exec |", LiveKind::Process),
            ("convox ps stop |", LiveKind::Process),
            ("convox run |", LiveKind::Service),
            ("convox services restart --json |", LiveKind::Service),
            ("convox resources url |", LiveKind::Resource),
            ("convox switch |", LiveKind::Rack),
            ("convox apps delete |", LiveKind::App),
        ] {
            assert_eq!(kind(line), Some(expected), "{line}");
        }
        for line in [
            "convox |",
            "convox rel|",
            "convox releases |",
            "convox releases promote -|",
            "convox releases promote RA |",
            "convox exec web-1 |",
            "convox exec web-1 sh -|",
            "convox nonsense |",
            "convox env set |",
            "convox apps create |",
        ] {
            assert_eq!(kind(line), None, "{line}");
        }
    }

    #[test]
    fn values_of_flags_are_known_in_each_spelling() {
        for (line, expected, typed) in [
            ("convox deploy -a |", LiveKind::App, ""),
            ("convox deploy -aw|", LiveKind::App, "w"),
            ("convox deploy --app w|", LiveKind::App, "w"),
            ("convox deploy --app=w|", LiveKind::App, "w"),
            ("convox -r |", LiveKind::Rack, ""),
            ("convox --rack=no|", LiveKind::Rack, "no"),
            ("convox -r north -a |", LiveKind::App, ""),
            ("convox logs -s |", LiveKind::Service, ""),
            ("convox ps --release |", LiveKind::Release, ""),
        ] {
            let wanted = at(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((wanted.kind, wanted.typed.as_str()), (expected, typed), "{line}");
        }
    }

    #[test]
    fn the_line_names_the_rack_and_the_app_before_the_cursor_or_after_it() {
        for line in [
            "convox -r north -a web releases promote |",
            "convox releases promote -r north --app=web |",
            "convox releases promote | -a web -r north",
            "convox releases promote -aweb | --rack north",
        ] {
            let wanted = at(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(wanted.app.unwrap().as_str(), "web", "{line}");
            assert_eq!(wanted.site.rack().unwrap().as_str(), "north", "{line}");
        }
        for line in
            ["convox cloud releases promote | -i acme/prod", "convox -i acme/prod cloud ps -a |"]
        {
            let machine = Some("acme/prod".parse().unwrap());
            assert_eq!(at(line).unwrap().site, Site::Machine(machine), "{line}");
        }
        assert_eq!(kind("convox cloud apps -i |"), Some(LiveKind::Machine));
        let wanted = at("convox logs -a one -a two -s |").unwrap();
        assert_eq!(wanted.app.unwrap().as_str(), "one");
    }

    #[test]
    fn a_word_that_may_be_a_command_too_lists_the_commands() {
        let commands = |line| {
            let names = at(line).unwrap().commands.into_iter().map(|(name, _)| name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(commands("convox apps params |"), ["set"]);
        assert!(commands("convox apps params -a |").is_empty());
        assert!(commands("convox releases promote |").is_empty());
    }
}
