//! The generated pages are what the program would generate now.

use std::collections::BTreeSet;

use convox::reference::{REFRESH, pages};

use super::read;

#[test]
fn the_generated_pages_are_up_to_date() {
    for page in pages() {
        let path = format!("docs/src/reference/{}", page.file);
        assert!(read(&path) == page.text, "{path} is out of date, refresh it with: {REFRESH}");
    }
}

#[test]
fn every_command_variable_and_exit_code_is_documented() {
    let text = |file: &str| pages().into_iter().find(|page| page.file == file).unwrap().text;
    let commands = text("commands.md");
    for command in ["deploy", "releases promote", "rack start", "man"] {
        assert!(commands.contains(&format!("# convox {command}\n")), "{command}");
        assert!(commands.contains(&format!("\nconvox {command}")), "the usage of {command}");
    }
    assert!(commands.contains("| `-r`, `--rack <NAME>` |"), "{commands}");
    assert!(commands.contains("| `--json` |"), "{commands}");
    let variables = text("environment.md");
    for variable in convox::settings::env_vars::ALL {
        assert!(variables.contains(&format!("| `{}` |", variable.name)), "{}", variable.name);
    }
    let codes = text("exit-codes.md");
    let listed = codes.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let listed: BTreeSet<u8> = listed.filter_map(|code| code.parse().ok()).collect();
    assert!(listed.is_superset(&BTreeSet::from([0, 1, 2, 124, 130])), "{listed:?}");
}
