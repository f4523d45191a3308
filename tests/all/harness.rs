//! Nothing that should be tested is forgotten, and the tests do not depend on how they are started.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The modules directly below a directory: its files, and its directories with a `mod.rs`.
fn modules_in(directory: &Path) -> BTreeSet<String> {
    let is_module = |path: &PathBuf| {
        path.extension().is_some_and(|kind| kind == "rs") || path.join("mod.rs").exists()
    };
    let names = entries(directory).into_iter().filter(is_module).map(|path| name(&path));
    names.filter(|name| name != "main" && name != "mod").collect()
}

/// The modules that a file declares, but for those at a path of their own.
fn declared_in(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_elsewhere = |at: usize| at > 0 && lines[at - 1].starts_with("#[path");
    let declared = lines.iter().enumerate().filter(|(at, _)| !is_elsewhere(*at));
    let names = declared.filter_map(|(_, line)| {
        let prefixes = ["mod ", "pub mod ", "pub(crate) mod "];
        prefixes.iter().find_map(|prefix| line.strip_suffix(';')?.strip_prefix(prefix))
    });
    names.map(str::to_owned).collect()
}

/// Checks a directory of tests and those below it.
fn check_modules(directory: &Path) {
    let roots = ["main.rs", "mod.rs"].map(|name| directory.join(name));
    let file = roots.iter().find(|root| root.exists());
    let file = file.unwrap_or_else(|| panic!("{} is not compiled", directory.display()));
    assert_eq!(modules_in(directory), declared_in(file), "{}", directory.display());
    entries(directory).iter().filter(|path| path.is_dir()).for_each(|path| check_modules(path));
}

#[test]
fn every_file_of_tests_is_compiled() {
    let tests = root().join("tests");
    assert!(modules_in(&tests).iter().all(|name| name == "support"), "tests are in directories");
    let (programs, modules): (Vec<_>, Vec<_>) = entries(&tests)
        .into_iter()
        .filter(|path| path.is_dir())
        .partition(|path| path.ends_with("programs"));
    modules.iter().for_each(|path| check_modules(path));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for program in programs.iter().flat_map(|directory| entries(directory)) {
        let path = program.strip_prefix(root()).unwrap().display().to_string();
        assert!(manifest.contains(&format!("path = {path:?}")), "{path} is not in Cargo.toml");
    }
}

/// The text of every file of this test binary.
fn stories() -> String {
    let mut directories = vec![root().join("tests/all")];
    let mut text = String::new();
    while let Some(directory) = directories.pop() {
        for path in entries(&directory) {
            match path.is_dir() {
                true => directories.push(path),
                false => text.push_str(&fs::read_to_string(path).unwrap()),
            }
        }
    }
    text
}

#[test]
fn every_command_has_a_story() {
    let reference = fs::read_to_string(root().join("docs/src/reference/commands.md")).unwrap();
    let sections = reference.split("\n#").filter_map(|section| {
        let (heading, rest) = section.split_once('\n')?;
        let name = heading.trim_start_matches('#').trim().strip_prefix("convox ")?;
        // A group that only has subcommands shows no usage.
        rest.contains("```text\nconvox ").then_some(name)
    });
    let stories = stories();
    let runs = |name: &str| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-');
        let line = format!("convox {name}");
        stories.match_indices(&line).any(|(at, _)| ends(&stories[at + line.len()..]))
    };
    let missing: Vec<&str> = sections.filter(|name| !runs(name)).collect();
    assert!(missing.is_empty(), "commands without a story: {missing:?}");
}

#[test]
fn every_fuzz_body_has_an_entry_a_target_a_test_and_a_corpus() {
    let fuzz = root().join("fuzz");
    let bodies = modules_in(&fuzz.join("bodies"));
    assert_eq!(declared_in(&fuzz.join("bodies/mod.rs")), bodies);
    assert_eq!(modules_in(&fuzz.join("fuzz_targets")), bodies);
    let corpora: BTreeSet<String> =
        entries(&fuzz.join("corpus")).iter().map(|path| name(path)).collect();
    assert_eq!(corpora, bodies);
    for (file, entry) in [
        ("fuzz/Cargo.toml", "path = \"fuzz_targets/BODY.rs\""),
        ("fuzz/bodies/mod.rs", "(\"BODY\", BODY::check)"),
        ("tests/corpora/main.rs", ": \"BODY\","),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for body in &bodies {
            assert!(text.contains(&entry.replace("BODY", body)), "{body} is not in {file}");
        }
    }
}

#[test]
fn cargo_test_runs_the_tests_of_every_member() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let value = |key: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
        line.unwrap_or_else(|| panic!("no {key}")).to_owned()
    };
    // Not built by default, and without tests.
    assert_eq!(value("default-members"), value("members").replace(", \"xtask\"", ""));
    let xtask = fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    assert!(!xtask.contains("#[test]"));
}

/// Runs tests of this program with signals ignored, as `nohup` and shells start background jobs.
#[test]
#[allow(clippy::disallowed_methods)] // the path of this program
fn signals_that_are_ignored_when_the_tests_start_are_not_ignored_by_what_they_start() {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' INT HUP; exec \"$0\" --exact \"$@\""]);
    shell.arg(std::env::current_exe().unwrap());
    shell.args([
        "logs::ctrl_c_ends_a_followed_log",
        "live::a_signal_at_the_prompt_restores_the_terminal",
    ]);
    let ended = shell.output().unwrap();
    let shown = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && shown.contains("2 passed"), "{shown}");
}
