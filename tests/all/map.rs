//! Which room uses which: dependencies point one way, and what belongs in one place stays there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms that it may use.
const ROOMS: &[(&str, &str)] = &[
    ("wire", ""),
    ("clock", ""),
    ("limits", ""),
    ("fingerprint", ""),
    ("package", ""),
    ("programs", ""),
    ("event", "wire"),
    ("transport", "wire limits fingerprint clock path"),
    ("rack", "transport wire wait path"),
    ("wait", "transport clock path"),
    ("settings", "wire fingerprint limits"),
    ("terminal", "settings"),
    ("output", "wire event settings terminal"),
    ("outcome", "output rack wait"),
    ("stdin", "outcome"),
    ("devrack", "wire clock package"),
    (
        "context",
        "settings rack output clock devrack outcome event limits wait wire programs terminal stdin path \
         transport",
    ),
    ("flows", "context outcome event rack wire package wait settings programs terminal transport"),
    (
        "commands",
        "context flows rack wire package output outcome event cli settings clock devrack stdin \
         transport fingerprint programs terminal wait",
    ),
    ("cli", "commands context outcome settings wire"),
    ("run", "cli context outcome output settings clock wire terminal"),
];

/// What may occur in these places only.
const PLACES: &[(&str, &[&str])] = &[
    (
        "reqwest",
        &["transport", "settings/variables.rs", "devrack/tests", "devrack/daemon/tests.rs"],
    ),
    ("println!", &[]),
    (
        "std::env::",
        &[
            "main.rs",
            "package/error.rs", // where the archive is kept
            "devrack/tests",
            "devrack/daemon/tests.rs",
            "devrack/runner/tests",
        ],
    ),
    (
        "Style::Classic",
        &["settings", "output", "run.rs", "commands/releases", "commands/apps/list.rs"],
    ),
    ("thread::sleep", &["devrack"]), // in tests
    ("Utc::now", &["clock.rs"]),
    ("crate::devrack", &["devrack", "context", "commands/rack"]),
    ("clap::", &["cli", "commands", "run.rs"]),
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        let paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

#[test]
fn each_room_uses_what_the_map_allows() {
    let mut wrong = BTreeSet::new();
    for (file, text) in sources() {
        let room = room_of(&file);
        if ["main", "lib"].contains(&room) {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            panic!("{room} is not on the map");
        };
        for used in code(&text).flat_map(|line| line.split("crate::").skip(1)) {
            let used = used.split(|one: char| !one.is_alphanumeric() && one != '_').next();
            let used = used.unwrap_or_default();
            if !used.is_empty()
                && used != room
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
    let long = sources().into_iter().map(|(file, text)| (text.lines().count(), file));
    let long: Vec<_> = long.filter(|(lines, _)| *lines > 400).collect();
    assert!(long.is_empty(), "{long:?}");
}
