//! The README's tables agree with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use convox::settings::env_vars;

use super::help::commands;
use crate::support::Story;

/// The README, once there is one.
fn readme() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).ok();
    if text.is_none() {
        eprintln!("skipped: there is no README.md");
    }
    text
}

/// The rows of every table with these headers, as the texts in backticks of their first two cells.
/// What stands in parentheses explains, and does not count.
fn rows(readme: &str, headers: &str) -> Vec<[BTreeSet<String>; 2]> {
    let mut found = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if line.starts_with(headers) {
            let rows = lines.by_ref().skip(1).take_while(|row| row.starts_with('|'));
            found.extend(rows.map(|row| [1, 2].map(|cell| names(row.split('|').nth(cell)))));
        }
    }
    found
}

fn names(cell: Option<&str>) -> BTreeSet<String> {
    let mut cell = cell.unwrap_or_default().to_owned();
    while let (Some(start), Some(end)) = (cell.find('('), cell.find(')')) {
        cell.replace_range(start..=end.max(start), "");
    }
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn first_cells(readme: &str, headers: &str) -> BTreeSet<String> {
    rows(readme, headers).into_iter().flat_map(|[first, _]| first).collect()
}

#[test]
fn every_command_is_listed_and_every_listed_one_exists() {
    let Some(readme) = readme() else { return };
    let story = Story::alone("web");
    let is_command =
        |words: &&String| story.run(&format!("convox {words} --help")).out.contains("Example:");
    let real: BTreeSet<String> = commands(&story).iter().filter(is_command).cloned().collect();
    // `releases promote [RELEASE]` is about `releases promote`.
    let words = |cell: &String| {
        let words = cell.split_whitespace().take_while(|word| {
            word.starts_with(|one: char| one.is_ascii_lowercase()) && *word != "convox"
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let cells = first_cells(&readme, "| command | what");
    let without_program = cells.iter().map(|cell| cell.trim_start_matches("convox ").to_owned());
    let listed: BTreeSet<String> = without_program.map(|cell| words(&cell)).collect();
    assert_eq!(listed, real);
}

#[test]
fn every_variable_is_listed_and_every_listed_one_is_read() {
    let Some(readme) = readme() else { return };
    let real: BTreeSet<String> =
        env_vars::documented().map(|variable| variable.name.to_owned()).collect();
    assert_eq!(first_cells(&readme, "| variable |"), real);
}

fn keys(value: &serde_json::Value) -> BTreeSet<String> {
    let value = value.as_array().map_or(value, |rows| &rows[0]);
    value.as_object().expect("an object").keys().cloned().collect()
}

/// Command lines whose documents are held against the table, in an order that works.
const LINES: &[&str] = &[
    "builds",
    "builds info BAAAAAAAAAA",
    "releases",
    "releases manifest RAAAAAAAAAA",
    "releases info RAAAAAAAAAA",
    "releases promote RAAAAAAAAAA --force",
    "releases create-from --use-active-release-build --use-active-release-env",
    "releases rollback RAAAAAAAAAA",
    "env set A=1",
    "env get A",
    "env unset A",
    "apps",
    "apps info",
    "apps wait",
    "apps create other",
    "apps delete other",
    "services",
    "rack",
    "rack status",
    "rack stop",
    "racks",
    "switch",
    "version",
    "completions bash",
    "man",
];

#[test]
fn every_json_document_has_the_fields_that_are_listed() {
    let Some(readme) = readme() else { return };
    let mut story = Story::deployed("web");
    let table = rows(&readme, "| command | document |");
    let listed = |command: &str| {
        let row = table.iter().find(|[commands, _]| commands.contains(command));
        row.unwrap_or_else(|| panic!("{command} is not listed")).clone()[1].clone()
    };
    // One rack is configured, so that `racks` has something to tell.
    let racks = story.settings("racks");
    fs::create_dir_all(&racks).unwrap();
    fs::write(racks.join("north"), story.rack().url()).unwrap();
    story.set("CONVOX_DATA", story.path("no-rack").as_os_str());
    let mut untested: BTreeSet<String> =
        table.iter().flat_map(|[names, _]| names).cloned().collect();
    for line in LINES {
        let command = commands_of(line, &untested);
        let mut expected = listed(&command);
        if expected == BTreeSet::from(["builds info".to_owned()]) {
            expected = listed("builds info");
        }
        let json = story.run(&format!("convox {line} --json"));
        let json = serde_json::from_str(&json.code(0).out).unwrap();
        assert_eq!(keys(&json), expected, "{line}");
        untested.remove(&command);
    }
    // `env` has the variables' own names; `login` is told by its own test.
    assert_eq!(untested, BTreeSet::from(["env".to_owned(), "login".to_owned()]));
}

/// The longest command that a line begins with.
fn commands_of(line: &str, commands: &BTreeSet<String>) -> String {
    let begins = |command: &&String| format!("{line} ").starts_with(&format!("{command} "));
    commands.iter().filter(begins).max_by_key(|command| command.len()).unwrap().clone()
}

#[test]
fn every_event_has_the_fields_that_are_listed() {
    let Some(readme) = readme() else { return };
    let story = Story::new("web");
    let table = rows(&readme, "| event | fields |");
    let mut events = story.run("convox deploy --create --wait --json").events();
    events.extend(story.run("convox deploy --style v3 --json").events());
    events.extend(story.run("convox logs --no-follow --json").events());
    for event in events {
        let name = event["event"].as_str().unwrap();
        let row = table.iter().find(|[names, _]| names.contains(name));
        let [_, expected] = row.unwrap_or_else(|| panic!("{name} is not listed"));
        let mut fields = keys(&event);
        fields.remove("event");
        assert_eq!(fields, *expected, "{name}");
    }
}

#[test]
fn every_exit_code_is_listed() {
    let Some(readme) = readme() else { return };
    let (_, codes) = readme.split_once("\n## Exit codes\n").expect("the exit codes");
    let codes = codes.split("\n## ").next().unwrap();
    for code in ["0", "1", "2", "124", "130"] {
        assert!(
            codes.contains(&format!("| {code} |")) || codes.contains(&format!("`{code}`")),
            "{code}"
        );
    }
}
