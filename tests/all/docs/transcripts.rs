//! The transcripts of the documentation are what the program prints: each page's blocks marked
//! `console` are run in order, in one shell. Ids, ports, times and sizes may differ.
//!
//! `SNAPSHOTS=overwrite` writes what has changed into the pages.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;

use super::{pages, read, root};
use crate::support::{Redactions, Shell, Story};

/// The pages with transcripts, and what is run before those of each.
const PAGES: &[(&str, &str)] = &[
    ("README.md", ""),
    ("docs/src/guide/deploy.md", ""),
    ("docs/src/reference/json.md", DEPLOYED_TWICE),
];

const DEPLOYED_TWICE: &str = "\
export CONVOX_RACK=dev XDG_DATA_HOME=$HOME/.local/share
cp -r examples/convox-guide ~/convox-guide && cd ~/convox-guide
convox deploy --create --wait
git init --quiet && git add . && git -c user.name=Ada -c user.email=ada@example.com commit --quiet --message Greetings
convox deploy --wait
";

/// What differs from run to run and has no placeholder.
static VARYING: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"(?P<ago>\b\d+ (?:second|minute)s? ago\b|\bnow\b)",
        r"(?P<sha>\b[0-9a-f]{40}\b|\b[0-9a-f]{10}\b)",
        r#"(?P<number>"(?:pid|disk|seconds|bytes)":[\d.]+)"#,
        r#"(?P<version>"client":"[^"]*")"#,
        r"(?P<blanks> {2,})",
        r"(?P<size>\b\d+ B\b)",
    ];
    Regex::new(&parts.join("|")).unwrap()
});

/// A command of a page, the lines of its output, and where in the page these lines are.
struct Command {
    line: String,
    output: Vec<String>,
    first: usize,
}

/// The commands in the blocks of a page that are marked `console`.
fn commands(page: &str) -> Vec<Command> {
    let (mut found, mut inside): (Vec<Command>, bool) = (Vec::new(), false);
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            let line = command.to_owned();
            found.push(Command { line, output: Vec::new(), first: number + 1 });
        } else {
            found.last_mut().expect("a command before its output").output.push(line.to_owned());
        }
    }
    found
}

/// Begins a line with the error that ends a step, as on a terminal: pages show it so.
fn error_on_its_own_line(text: &str) -> String {
    text.replace("... ERROR: ", "...\nERROR: ")
}

/// The same text for runs that differ only in what may differ.
fn normalized(text: &str) -> String {
    let text = error_on_its_own_line(text);
    let text = VARYING.replace_all(&text, |found: &regex::Captures<'_>| {
        let names = ["ago", "sha", "number", "version", "blanks", "size"];
        let name = names.iter().find(|name| found.name(name).is_some()).unwrap();
        if *name == "blanks" { "  ".to_owned() } else { name.to_uppercase() }
    });
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Whether lines are as expected, where `...` stands for any lines and `…` for the rest of a line.
fn matches(expected: &[&str], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((&"...", rest)) => (0..=lines.len()).any(|skipped| matches(rest, &lines[skipped..])),
        Some((first, rest)) => lines.split_first().is_some_and(|(line, lines)| {
            let same = match first.strip_suffix('…') {
                Some(start) => line.starts_with(start),
                None => line == first,
            };
            same && matches(rest, lines)
        }),
    }
}

/// One page in a story of its own.
struct Session {
    story: Story,
    shell: Shell,
    /// The placeholders for the ids of the page, and for those of this run.
    documented: Redactions,
    real: Redactions,
}

impl Session {
    fn new(prelude: &str) -> Self {
        let mut story = Story::alone("web");
        story.change_directory(&root().to_string_lossy());
        let mut shell = Shell::start(&story);
        for line in prelude.lines() {
            shell.run(line);
        }
        Self { story, shell, documented: Redactions::default(), real: Redactions::default() }
    }

    /// The text of the page with placeholders.
    fn documented(&self, text: &str) -> String {
        self.documented.redact(&text.replace("/home/ada", "/story/home"), &self.directory())
    }

    /// The directory that placeholders show as `/story`.
    fn directory(&self) -> PathBuf {
        self.story.path("home").parent().unwrap().to_owned()
    }

    /// Runs a command of the page; returns its output if it is not the documented one.
    fn check(&mut self, command: &Command) -> Option<String> {
        let line = self.real.resolve(&self.documented(&command.line));
        let output = self.shell.run(&line);
        let lines = command.output.iter().map(|line| format!("{line}\n"));
        let expected = normalized(&self.documented(&lines.collect::<String>()));
        let shown = normalized(&self.real.redact(&output, &self.directory()));
        let (expected, shown): (Vec<&str>, Vec<&str>) =
            (expected.lines().collect(), shown.lines().collect());
        if matches(&expected, &shown) {
            return None;
        }
        let diff =
            format!("--- documented\n{}\n--- printed\n{}", expected.join("\n"), shown.join("\n"));
        eprintln!("$ {line}\n{diff}");
        Some(self.as_documented(&output))
    }

    /// Output with the ids of the page where they are known.
    fn as_documented(&self, output: &str) -> String {
        let documented = self.documented.pairs();
        let known = |placeholder: &String| {
            documented.iter().find(|(_, other)| other == placeholder).map(|(id, _)| id.clone())
        };
        let pairs = self.real.pairs();
        let ids = pairs.iter().filter_map(|(real, placeholder)| Some((real, known(placeholder)?)));
        let home = self.story.path("home");
        let output = output.replace(&*home.to_string_lossy(), "/home/ada");
        let output = error_on_its_own_line(&output);
        ids.fold(output, |output, (real, id)| output.replace(real.as_str(), &id))
    }
}

/// Puts outputs in the place of those in a page, from the last to the first.
fn rewritten(page: &str, changes: &[(&Command, String)]) -> String {
    let mut lines: Vec<&str> = page.lines().collect();
    for (command, output) in changes.iter().rev() {
        lines.splice(command.first..command.first + command.output.len(), output.lines());
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[allow(clippy::disallowed_methods)] // set by whoever runs the tests
fn overwrites() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite")
}

fn check(path: &str) {
    let (_, prelude) = PAGES.iter().find(|(page, _)| *page == path).unwrap();
    let page = read(path);
    let commands = commands(&page);
    assert!(!commands.is_empty(), "{path} has no transcript");
    let mut session = Session::new(prelude);
    let changes: Vec<(&Command, String)> =
        commands.iter().filter_map(|command| Some((command, session.check(command)?))).collect();
    if overwrites() {
        fs::write(root().join(path), rewritten(&page, &changes)).unwrap();
    } else {
        let lines: Vec<&str> = changes.iter().map(|(command, _)| command.line.as_str()).collect();
        assert!(lines.is_empty(), "{path}: not as documented (SNAPSHOTS=overwrite): {lines:#?}");
    }
}

#[test]
fn the_story_of_the_readme_is_true() {
    check("README.md");
}

#[test]
fn the_guide_is_true() {
    check("docs/src/guide/deploy.md");
}

#[test]
fn the_examples_of_json_output_are_true() {
    check("docs/src/reference/json.md");
}

#[test]
fn every_page_with_a_transcript_is_run() {
    for page in pages() {
        let is_run = PAGES.iter().any(|(path, _)| *path == page);
        assert_eq!(!commands(&read(&page)).is_empty(), is_run, "{page}");
    }
}

#[test]
fn three_dots_stand_for_any_lines_and_nothing_else_does() {
    assert!(matches(&["a", "...", "d"], &["a", "b", "c", "d"]));
    assert!(matches(&["...", "d"], &["d"]));
    assert!(matches(&["{\"script\":\"# P…"], &["{\"script\":\"# Print\"}"]));
    for (expected, lines) in [
        (vec!["a", "...", "d"], vec!["a", "b"]),
        (vec!["a"], vec!["a", "b"]),
        (vec!["a", "b"], vec!["a"]),
        (vec!["a"], vec!["ab"]),
    ] {
        assert!(!matches(&expected, &lines), "{expected:?}");
    }
}

#[test]
fn outputs_are_rewritten_in_their_place() {
    let page = "x\n\n```console\n$ one\nold\nold\n$ two\nkept\n$ three\n```\n\ny\n";
    let commands = commands(page);
    let changes = [(&commands[0], "new\n".to_owned()), (&commands[2], "more\n".to_owned())];
    let expected = "x\n\n```console\n$ one\nnew\n$ two\nkept\n$ three\nmore\n```\n\ny\n";
    assert_eq!(rewritten(page, &changes), expected);
}
