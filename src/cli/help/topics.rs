//! What `convox help` explains besides commands.

use super::sections::{Body, wrap};
use crate::outcome::Exit;
use crate::settings::env_vars;

/// A topic.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    /// Its heading in the help of a command of its name.
    pub(super) title: &'static str,
    pub(crate) about: &'static str,
    source: Source,
}

/// Where the text of a topic comes from.
enum Source {
    /// A file.
    Text(&'static str),
    /// The list of variables.
    Variables,
    /// The list of exit codes.
    ExitCodes,
}

#[rustfmt::skip] // a table
pub(crate) static TOPICS: &[Topic] = &[
    Topic { name: "racks", title: "How a rack is chosen", about: "How the rack and the app of a command are chosen", source: Source::Text(include_str!("topics/racks.txt")) },
    Topic { name: "environment", title: "Environment variables", about: "Environment variables that convox reads", source: Source::Variables },
    Topic { name: "exit-codes", title: "Exit codes", about: "What exit codes mean", source: Source::ExitCodes },
    Topic { name: "manifest", title: "The manifest", about: "convox.yml, which describes an app", source: Source::Text(include_str!("topics/manifest.txt")) },
    Topic { name: "scripts", title: "Scripts", about: "JSON, ids, exit codes and secrets in scripts", source: Source::Text(include_str!("topics/scripts.txt")) },
];

/// What there is to say about exit codes besides their meanings, in Markdown.
pub(crate) const EXIT_CODE_NOTES: &str = include_str!("topics/exit-codes.md");

/// The topic of this name.
pub(crate) fn find(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

impl Topic {
    /// The page: its description and its text.
    pub(crate) fn text(&self) -> String {
        format!("{}\n\n{}", self.about, self.body().text())
    }

    /// The text without the description.
    pub(crate) fn body(&self) -> Body {
        match self.source {
            Source::Text(text) => Body::Text(text.lines().map(str::to_owned).collect()),
            Source::Variables => Body::Text(variables()),
            Source::ExitCodes => Body::Text(exit_codes()),
        }
    }
}

/// Each variable with its description below it.
fn variables() -> Vec<String> {
    let documented = env_vars::ALL.iter().map(|variable| (variable.name, variable.what));
    let all = documented.chain(env_vars::LIBRARIES.iter().copied());
    let entry = |(name, what): (&str, &str)| {
        let lines = wrap(&what.replace('`', ""), 72).into_iter().map(|line| format!("    {line}"));
        std::iter::once(name.replace('`', "")).chain(lines).collect::<Vec<_>>()
    };
    all.flat_map(entry).collect()
}

fn exit_codes() -> Vec<String> {
    let line = |exit: &Exit| match exit {
        Exit::Remote(_) => format!("{:<5}{}", "N", exit.meaning()),
        exit => format!("{:<5}{}", exit.code(), exit.meaning()),
    };
    let notes = EXIT_CODE_NOTES.split("\n\n").flat_map(|note| {
        let lines = wrap(&note.trim_end().replace('`', ""), 76);
        std::iter::once(String::new()).chain(lines)
    });
    Exit::ALL.iter().map(line).chain(notes).collect()
}
