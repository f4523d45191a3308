//! The sections of a command, from its properties.

use clap::Command;

use super::{machine, topics};
use crate::args::{Styles, Waits};
use crate::cli::cloud;
use crate::cli::spec::{CommandSpec, Effect, JsonForm};
use crate::cli::tree::COMMANDS;
use crate::outcome::Exit;
use crate::settings::env_vars::{self, UsedBy};

/// The width that lists are wrapped to.
const LINE: usize = 90;

/// A part of a command's help below its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) body: Body,
}

/// What a section contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Lines for a shell.
    Code(Vec<String>),
    /// Names with their descriptions.
    List(Vec<(String, String)>),
    /// Lines of text.
    Text(Vec<String>),
}

/// A file that commands read or write.
struct File {
    path: &'static str,
    what: &'static str,
    used_by: UsedBy,
}

#[rustfmt::skip] // a table
const FILES: &[File] = &[
    File { path: "convox.yml", what: "The manifest: the services of the app", used_by: UsedBy::Source },
    File { path: ".dockerignore", what: "What is not sent to the rack", used_by: UsedBy::Source },
    File { path: ".convox/app", what: "The name of the app", used_by: UsedBy::App },
    File { path: ".convox/rack", what: "The name of the rack", used_by: UsedBy::Rack },
    File { path: "~/.config/convox/", what: "The settings: logins, racks, the current rack", used_by: UsedBy::Settings },
    File { path: "~/.local/share/convox/rack/", what: "The data of the development rack, and its log, rack.log", used_by: UsedBy::DevRack },
];

/// Commands that people use together. Each pair counts in both directions.
#[rustfmt::skip] // a table
const RELATED: &[(&str, &str)] = &[
    ("init", "deploy"),
    ("deploy", "build"),
    ("deploy", "releases rollback"),
    ("deploy", "logs"),
    ("build", "releases promote"),
    ("env set", "releases promote"),
    ("services", "deploy"),
    ("services", "ps"),
    ("logs", "builds logs"),
    ("logs", "ps"),
    ("ps", "exec"),
    ("exec", "run"),
    ("exec", "cp"),
    ("run", "logs"),
    ("proxy", "exec"),
    ("racks", "switch"),
    ("switch", "login"),
    ("login", "racks"),
    ("login", "cloud machines"),
    ("racks", "cloud machines"),
    ("rack", "racks"),
    ("completions", "man"),
    ("scale", "ps"),
    ("restart", "ps"),
    ("deploy-debug", "logs"),
    ("test", "run"),
    ("test", "build"),
    ("budget show", "cost"),
    ("balancers", "services"),
    ("ssl", "certs"),
    ("resources", "services"),
    ("apps export", "builds export"),
    ("apps import", "builds import"),
    ("resources proxy", "proxy"),
];

/// The sections of a command. Empty ones are left out.
pub(super) fn of(spec: &CommandSpec, command: &Command) -> Vec<Section> {
    let mut sections = examples(command, Some(spec));
    let topic = topics::find(spec.path).into_iter();
    sections.extend(topic.map(|topic| Section { title: topic.title, body: topic.body() }));
    sections.extend([
        Section { title: "Environment", body: Body::List(environment(spec)) },
        Section { title: "Files", body: Body::List(files(spec)) },
        Section { title: "Exit status", body: Body::List(exit_status(spec)) },
        Section { title: "See also", body: Body::Text(see_also(spec)) },
    ]);
    sections.retain(|section| !section.is_empty());
    sections
}

/// The sections of the program and of a word that only groups commands.
pub(super) fn of_group(command: &Command) -> Vec<Section> {
    examples(command, None)
}

/// The text below the options that a command's file declares: examples, under one spelling. `spec`
/// is absent for what only groups commands.
pub(super) fn examples(command: &Command, spec: Option<&CommandSpec>) -> Vec<Section> {
    let lines = example_lines(command, spec);
    if lines.is_empty() {
        Vec::new()
    } else {
        vec![Section { title: "Examples", body: Body::Code(lines) }]
    }
}

/// The lines of the examples. One that begins with `#` is a comment on the next.
pub(super) fn example_lines(command: &Command, spec: Option<&CommandSpec>) -> Vec<String> {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = text.lines().filter(|line| line.starts_with("  "));
    let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    match spec.and_then(|spec| cloud::original_of(spec.path)) {
        Some(_) => machine::examples(&lines),
        None => lines,
    }
}

/// The command itself, or that of which it is the variant for machines.
fn original(spec: &CommandSpec) -> &'static str {
    cloud::original_of(spec.path).unwrap_or(spec.path)
}

/// What a command uses of the environment and of files.
fn uses(spec: &CommandSpec) -> Vec<UsedBy> {
    let has_rack = spec.scope.has_rack();
    let of_properties = [
        (has_rack, UsedBy::Rack),
        (spec.scope.has_machine(), UsedBy::Machine),
        (spec.scope.has_machine(), UsedBy::Settings),
        (spec.scope.has_app(), UsedBy::App),
        (spec.styles == Styles::Both, UsedBy::Style),
        (spec.waits == Waits::Optional, UsedBy::Wait),
    ];
    let of_its_own: &[UsedBy] = match original(spec) {
        "deploy" | "build" | "init" => &[UsedBy::Source],
        "login" => &[UsedBy::Login, UsedBy::Settings],
        "racks" | "switch" | "cloud machines" => &[UsedBy::Settings],
        "rack start" | "rack stop" | "rack status" | "rack prune" => &[UsedBy::DevRack],
        _ => &[],
    };
    let found = of_properties.into_iter().filter(|(has, _)| *has).map(|(_, used)| used);
    found.chain(of_its_own.iter().copied()).collect()
}

fn environment(spec: &CommandSpec) -> Vec<(String, String)> {
    let uses = uses(spec);
    let variables = env_vars::ALL.iter().filter(|variable| uses.contains(&variable.used_by));
    variables.map(|variable| (variable.name.to_owned(), first_sentence(variable.what))).collect()
}

fn files(spec: &CommandSpec) -> Vec<(String, String)> {
    let mut uses = uses(spec);
    if uses.contains(&UsedBy::Rack) {
        uses.push(UsedBy::Settings);
    }
    let files = FILES.iter().filter(|file| uses.contains(&file.used_by));
    files.map(|file| (file.path.to_owned(), file.what.to_owned())).collect()
}

fn exit_status(spec: &CommandSpec) -> Vec<(String, String)> {
    let reports_its_end = spec.effect != Effect::Read || spec.json == JsonForm::Events;
    let applies = |exit: &Exit| match exit {
        Exit::Done | Exit::Failed | Exit::Usage => true,
        Exit::TimedOut => spec.waits != Waits::Never,
        Exit::Remote(_) => spec.foreign_from.is_some(),
        Exit::Signal(_) => reports_its_end,
    };
    let line = |exit: &Exit| {
        let code = match exit {
            Exit::Remote(_) => "N".to_owned(),
            exit => exit.code().to_string(),
        };
        (code, exit.meaning().trim_end_matches('.').to_owned())
    };
    Exit::ALL.iter().filter(|exit| applies(exit)).map(line).collect()
}

fn see_also(spec: &CommandSpec) -> Vec<String> {
    let paths = related(original(spec));
    let paths = match spec.scope.has_machine() {
        true => machine::related(&paths),
        false => paths,
    };
    let topics = topics_of(spec).into_iter().map(|topic| format!("help {topic}"));
    let names = paths.into_iter().map(str::to_owned).chain(topics);
    fill(names.map(|name| format!("convox {name}")))
}

/// The commands that are used together with one, and those of the same noun.
fn related(of: &str) -> Vec<&'static str> {
    let mut paths: Vec<&str> = RELATED
        .iter()
        .filter_map(|(one, other)| match of {
            path if path == *one => Some(*other),
            path if path == *other => Some(*one),
            _ => None,
        })
        .filter(|path| crate::cli::find(path).is_some())
        .collect();
    let first = of.split(' ').next();
    let family =
        COMMANDS.iter().filter(|one| one.words().next() == first && first != Some("cloud"));
    let family = family.map(|one| one.path).filter(|path| *path != of);
    for path in family {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

fn topics_of(spec: &CommandSpec) -> Vec<&'static str> {
    let uses = uses(spec);
    let topics = [
        ("racks", uses.contains(&UsedBy::Rack) || uses.contains(&UsedBy::Machine)),
        ("manifest", uses.contains(&UsedBy::Source)),
        ("scripts", spec.id || spec.json == JsonForm::Events),
        ("environment", true),
    ];
    topics.into_iter().filter(|(_, applies)| *applies).map(|(topic, _)| topic).collect()
}

/// Puts names on lines of at most 76 characters, separated by commas.
fn fill(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.len() + name.len() + 2 <= 76 => {
                line.push_str(", ");
                line.push_str(&name);
            }
            Some(line) => {
                line.push(',');
                lines.push(name);
            }
            None => lines.push(name),
        }
    }
    lines
}

/// Breaks a paragraph into lines of at most `width` characters where words allow it.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The first sentence of a description, without backticks, as the help has no markup.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').replace('`', "")
}

impl Section {
    fn is_empty(&self) -> bool {
        match &self.body {
            Body::Code(lines) | Body::Text(lines) => lines.is_empty(),
            Body::List(entries) => entries.is_empty(),
        }
    }

    /// The section as text for a terminal.
    pub(crate) fn text(&self) -> String {
        format!("{}:\n{}", self.title, self.body.text())
    }
}

impl Body {
    /// The lines, each indented by two blanks.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Code(lines) | Self::Text(lines) => lines
                .iter()
                .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") })
                .collect(),
            Self::List(entries) => {
                let width = entries.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                entries.iter().map(|(name, what)| entry(name, what, width)).collect()
            }
        }
    }
}

/// An entry of a list: the description is in a column of its own.
fn entry(name: &str, what: &str, width: usize) -> String {
    let mut names = std::iter::once(name);
    let lines = wrap(what, LINE.saturating_sub(width + 4)).into_iter();
    lines.map(|line| format!("  {:width$}  {line}\n", names.next().unwrap_or_default())).collect()
}
