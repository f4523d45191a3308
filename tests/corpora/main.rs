//! The bodies of the fuzz targets over their corpora and variations of them, as ordinary tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is a finding
#![allow(missing_docs)]

#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;

use std::fs;
use std::path::{Path, PathBuf};

use bodies::{Body, TARGETS};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The number of variations of a corpus; bodies that write files are slower.
fn cases(target: &str) -> u32 {
    if matches!(target, "app_archive" | "build_archive" | "pack" | "unpack" | "unpack_tar") {
        300
    } else {
        3000
    }
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    let mut seeds: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    seeds.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn body(target: &str) -> Body {
    TARGETS.iter().find(|(name, _)| *name == target).expect("a target of that name").1
}

/// A change to a seed, as fuzzers make them.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
    Splice(usize, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = 0usize..4096;
    let bytes_that_matter =
        prop_oneof![any::<u8>(), Just(b'\n'), Just(0), Just(b'/'), Just(b'"'), Just(255)];
    let bytes = proptest::collection::vec(any::<u8>(), 1..8);
    let change = prop_oneof![
        (at.clone(), bytes_that_matter).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at.clone(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at.clone(), 1usize..64).prop_map(|(at, count)| Change::Remove(at, count)),
        (at.clone(), 1usize..64).prop_map(|(at, count)| Change::Repeat(at, count)),
        (at.clone(), at).prop_map(|(at, from)| Change::Splice(at, from)),
    ];
    proptest::collection::vec(change, 0..6)
}

fn changed(mut bytes: Vec<u8>, other: &[u8], changes: Vec<Change>) -> Vec<u8> {
    for change in changes {
        let within = |at: usize| at % (bytes.len() + 1);
        match change {
            Change::Set(at, byte) => {
                let at = within(at);
                bytes.splice(at..(at + 1).min(bytes.len()), [byte]);
            }
            Change::Insert(at, piece) => drop(bytes.splice(within(at)..within(at), piece)),
            Change::Remove(at, count) => {
                let at = within(at);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Change::Repeat(at, count) => {
                let at = within(at);
                let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            Change::Splice(at, from) => {
                let at = within(at);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from % (other.len() + 1)..]);
            }
        }
    }
    bytes
}

fn run(target: &str) {
    let (body, seeds) = (body(target), corpus(target));
    assert!(seeds.len() >= 10, "{target}: {} seeds", seeds.len());
    for (path, seed) in &seeds {
        named(path, || body(seed));
    }
    let pick =
        proptest::sample::select(seeds.into_iter().map(|(_, seed)| seed).collect::<Vec<_>>());
    let config = Config { cases: cases(target), failure_persistence: None, ..Config::default() };
    let inputs = prop_oneof![
        9 => (pick.clone(), pick, changes()).prop_map(|(a, b, changes)| changed(a, &b, changes)),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ];
    TestRunner::new(config)
        .run(&inputs, |input| {
            body(&input);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{target}: {failure}"));
}

/// Names the seed at which a body panics.
fn named(seed: &Path, body: impl FnOnce()) {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    assert!(result.is_ok(), "the seed {} fails", seed.display());
}

macro_rules! targets {
    ($($name:ident: $target:literal),+ $(,)?) => {
        $(#[test] fn $name() { run($target); })+
        #[test]
        fn every_target_has_a_test() {
            assert_eq!(TARGETS.len(), [$($target),+].len());
        }
    };
}

targets! {
    ignore_files_are_parsed: "ignore",
    environments_are_parsed: "env",
    log_frames_are_parsed: "frames",
    exit_codes_are_found: "session",
    exit_codes_are_found_however_the_output_is_split_into_frames: "session_frames",
    trees_are_unpacked_as_they_were_packed: "pack",
    untrusted_archives_are_unpacked_inside_their_directory: "unpack",
    untrusted_files_of_processes_are_unpacked_inside_their_directory: "unpack_tar",
    untrusted_archives_of_apps_are_read_or_refused: "app_archive",
    untrusted_archives_of_builds_are_read_or_refused: "build_archive",
    manifests_are_parsed: "manifest",
    responses_of_racks_are_parsed: "json",
    times_are_put_into_words: "words",
    addresses_of_racks_are_parsed: "addresses",
}
