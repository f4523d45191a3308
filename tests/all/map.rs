//! The program's modules depend on each other in one direction, and each mechanism has one place.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the program, and those that each may use. Cargo checks the crates.
const MODULES: &[(&str, &str)] = &[
    ("app_archive", ""),
    ("signals", ""),
    ("programs", "signals"),
    ("event", ""),
    ("input", ""),
    ("terminal", "input"),
    ("settings", ""),
    ("args", "settings"),
    ("output", "event input settings terminal"),
    ("outcome", "output signals"),
    ("error", "app_archive args outcome output programs settings signals"),
    ("context", "args error event output programs input settings signals terminal"),
    ("flows", "context error event programs settings signals terminal"),
    (
        "commands",
        "app_archive context error event flows outcome output programs settings signals terminal",
    ),
    ("cli", "args commands context error outcome settings"),
    ("completion", "args cli context error output settings"),
    ("run", "args cli completion context error outcome output settings signals"),
    ("reference", "cli outcome settings signals"),
];

/// What may occur only in these places.
const PLACES: &[(&str, &[&str])] = &[
    ("reqwest", &[]),
    ("println!", &[]),
    ("std::env::", &["main.rs", "programs/git/tests.rs"]),
    (
        "Style::Classic",
        &["settings", "output", "run.rs", "commands/releases", "commands/apps/list.rs"],
    ),
    ("thread::sleep", &[]),
    ("Utc::now", &[]),
    (
        "convox_devrack::",
        &[
            "lib.rs",
            "run.rs",
            "completion",
            "context",
            "commands/rack",
            "commands/deploy/dry_run.rs",
            "error/dev_rack.rs",
            "flows/starter/tests.rs",
        ],
    ),
    ("clap::", &["args.rs", "cli", "commands", "context/command_line.rs", "reference", "run.rs"]),
];

fn sources() -> Vec<(String, String)> {
    sources_in("src")
}

/// The Rust files below a directory of the repository, by their paths in it.
fn sources_in(directory: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let (mut directories, mut found) = (vec![root.clone()], Vec::new());
    while let Some(directory) = directories.pop() {
        let paths: Vec<PathBuf> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        for path in paths {
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

#[test]
fn each_module_uses_only_what_it_may() {
    let mut wrong = BTreeSet::new();
    for (file, text) in sources() {
        let module = module_of(&file);
        if ["main", "lib"].contains(&module) {
            continue;
        }
        let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
            panic!("{module} is not on the map");
        };
        for used in code(&text).flat_map(|line| line.split("crate::").skip(1)) {
            let used = used.split(|one: char| !one.is_alphanumeric() && one != '_').next();
            let used = used.unwrap_or_default();
            if !used.is_empty()
                && used != module
                && !allowed.split_whitespace().any(|one| one == used)
            {
                wrong.insert(format!("{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_belongs_in_one_place_stays_there() {
    let mut wrong = BTreeSet::new();
    for (file, text) in sources() {
        for (what, places) in PLACES {
            let here = places.iter().any(|place| Path::new(&file).starts_with(place));
            if !here && code(&text).any(|line| line.contains(what)) {
                wrong.insert(format!("{what} in {file}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_stay_small() {
    let all = sources_in("src").into_iter().chain(sources_in("crates"));
    let long = all.map(|(file, text)| (text.lines().count(), file));
    let long: Vec<_> = long.filter(|(lines, _)| *lines > 400).collect();
    assert!(long.is_empty(), "{long:?}");
}

/// The names of the crates that a crate is built with, itself included.
fn built_with(name: &str) -> BTreeSet<String> {
    let cargo = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}", "--package", name])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let lines = String::from_utf8(cargo.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn the_client_is_built_without_the_program_and_the_development_rack_without_the_client() {
    let client = built_with("convox-client");
    assert!(client.contains("reqwest"), "{client:?}");
    for heavy in ["clap", "axum", "redb", "indicatif", "comfy-table", "convox-package"] {
        assert!(!client.contains(heavy), "convox-client is built with {heavy}");
    }
    let devrack = built_with("convox-devrack");
    assert!(devrack.contains("convox-package") && devrack.contains("convox-wire"));
    assert!(!devrack.contains("convox-client"), "the development rack uses the client");
}
