//! The README's tables agree with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use convox::settings::variables::ALL;

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

/// The first cells of every table whose header begins with this word: what stands in backticks.
fn first_cells(readme: &str, header: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if !line.to_lowercase().starts_with(&format!("| {header} |")) {
            continue;
        }
        for row in lines.by_ref().skip(1).take_while(|row| row.starts_with('|')) {
            let cell = row.split('|').nth(1).unwrap_or_default();
            found.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
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
    let cells = first_cells(&readme, "command");
    let without_program = cells.iter().map(|cell| cell.trim_start_matches("convox ").to_owned());
    let listed: BTreeSet<String> = without_program.map(|cell| words(&cell)).collect();
    assert_eq!(listed, real);
}

#[test]
fn every_variable_is_listed_and_every_listed_one_is_read() {
    let Some(readme) = readme() else { return };
    let real: BTreeSet<String> = ALL.iter().map(|variable| variable.name.to_owned()).collect();
    assert_eq!(first_cells(&readme, "variable"), real);
}

/// Every field name in a document.
fn fields(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => {
            found.extend(object.keys().cloned());
            object.values().for_each(|value| fields(value, found));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

#[test]
fn every_json_field_is_documented() {
    let Some(readme) = readme() else { return };
    let story = Story::new("web");
    let mut real = BTreeSet::new();
    let deploy = story.run("convox deploy --create --wait --json");
    deploy.events().iter().for_each(|event| fields(event, &mut real));
    for line in [
        "builds",
        "builds info BAAAAAAAAAA",
        "releases",
        "releases manifest RAAAAAAAAAA",
        "releases info RAAAAAAAAAA",
        "releases promote RAAAAAAAAAA --force",
        "releases create-from --use-active-release-build --use-active-release-env",
        "apps",
        "apps info",
        "apps wait",
        "services",
        "rack",
        "rack status",
        "racks",
        "switch",
        "version",
        "completions bash",
        "man",
        "apps delete web",
    ] {
        fields(&story.run(&format!("convox {line} --json")).json(), &mut real);
    }
    let missing: Vec<&String> = real
        .iter()
        .filter(|name| {
            !readme.contains(&format!("`{name}`")) && !readme.contains(&format!("\"{name}\""))
        })
        .collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
}
