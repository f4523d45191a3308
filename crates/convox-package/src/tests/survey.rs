//! Surveys, compared with the archives that they announce.

use super::*;

fn survey(dir: &SourceDir) -> Survey {
    Source::open(dir.0.path(), None).unwrap().survey().unwrap()
}

fn texts(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().map(|path| path.to_str().unwrap()).collect()
}

#[test]
fn a_survey_counts_what_the_archive_contains() {
    let dir = SourceDir::new();
    dir.write("web/app.py", "12345");
    dir.write(".env", "A=1");
    symlink("app.py", dir.at("web/link")).unwrap();
    fs::hard_link(dir.at("web/app.py"), dir.at("web/same.py")).unwrap();
    let survey = survey(&dir);
    let (_, packed) = dir.pack();
    assert_eq!((survey.entries, survey.files, survey.size), (6, 3, 5 + 3 + 13));
    assert_eq!(survey.entries, packed.entries);
    assert_eq!(survey.warnings, packed.warnings);
    assert!(matches!(survey.warnings[..], [Warning::DotEnv(_)]));
    assert!(survey.excluded.is_empty());
}

#[test]
fn the_ten_largest_files_are_listed_in_order() {
    let dir = SourceDir::new();
    for size in 0..14 {
        dir.write(format!("f{size:02}"), "x".repeat(100 + size / 2));
    }
    let survey = survey(&dir);
    let largest: Vec<_> =
        survey.largest.iter().map(|file| (file.path.to_str().unwrap(), file.size)).collect();
    let names = ["f12", "f13", "f10", "f11", "f08", "f09", "f06", "f07", "f04", "f05"];
    let wanted = names.iter().enumerate().map(|(at, name)| (*name, 106 - at as u64 / 2));
    assert_eq!(largest, wanted.collect::<Vec<_>>());
}

#[test]
fn excluded_directories_stand_for_their_contents_unless_there_are_exceptions() {
    let dir = SourceDir::new();
    let rules = "**/node_modules\n*.log\nvendor\n!vendor/keep\nDockerfile\n";
    dir.write(".dockerignore", rules);
    for name in [
        "a.log",
        "web/node_modules/x/index.js",
        "web/app.js",
        "vendor/keep",
        "vendor/other/file",
        "vendor/file",
        "Dockerfile",
    ] {
        dir.write(name, "");
    }
    let survey = survey(&dir);
    let wanted = ["a.log", "vendor/file", "vendor/other/", "web/node_modules/"];
    assert_eq!(texts(&survey.excluded), wanted);
    assert_eq!(survey.warnings, [Warning::AlwaysSent("Dockerfile".into())]);
    assert_eq!(survey.entries, dir.pack().1.entries);
}

#[test]
fn a_survey_does_not_read_the_files() {
    let dir = SourceDir::new();
    File::create(dir.at("endless")).unwrap().set_len(1 << 42).unwrap();
    assert_eq!(survey(&dir).size, (1 << 42) + 13);
}

#[test]
fn a_directory_that_vanishes_is_an_error() {
    let dir = SourceDir::new();
    let source = Source::open(dir.0.path(), None).unwrap();
    fs::remove_dir_all(dir.0.path()).unwrap();
    assert!(matches!(source.survey(), Err(PackageError::Changed { .. })));
}
