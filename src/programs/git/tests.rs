use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use super::*;

const FAR: Duration = Duration::from_secs(60);

/// Runs git, which must succeed.
fn git(dir: &Path, arguments: &[&str]) {
    let user = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    let output = Git::new(dir, Instant::now() + FAR).output(&[&user[..], arguments].concat());
    let output = output.expect("git runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
}

/// Returns a repository with one commit of `web.py`; `None` if git is not installed.
fn repository() -> Option<TempDir> {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("web.py"), "print('Hello')\n").unwrap();
    Git::new(home.path(), Instant::now() + FAR).output(&["--version"])?;
    git(home.path(), &["init", "-q"]);
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "-q", "-m", "deeper moorings\n\nbody", "--no-gpg-sign"]);
    Some(home)
}

fn clean(dir: &Path) -> Option<Clean> {
    commit(dir).unwrap().expect("a commit").clean
}

/// Runs one of these tests in a process of its own, with these variables.
fn in_child(test: &str, variables: &[(&str, &Path)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("programs::git::tests::{test}")]);
    let output = child.envs(variables.iter().copied()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("1 passed"), "{stdout}");
}

#[test]
fn a_clean_tree_is_described_by_its_last_commit() {
    let Some(home) = repository() else { return };
    let Commit { sha, clean } = commit(home.path()).unwrap().unwrap();
    assert_eq!(sha.len(), 40);
    let clean = clean.unwrap();
    assert_eq!(clean.description, format!("build {} deeper moorings", &sha[..10]));
    assert!(clean.time > 1_700_000_000);
}

#[test]
fn the_repository_may_be_that_of_a_parent_directory() {
    let Some(home) = repository() else { return };
    let inside = home.path().join("web");
    fs::create_dir(&inside).unwrap();
    assert_eq!(commit(&inside), commit(home.path()));
}

#[test]
fn an_untracked_file_does_not_count_and_changed_or_staged_ones_do() {
    let Some(home) = repository() else { return };
    fs::write(home.path().join("new.txt"), "").unwrap();
    assert!(clean(home.path()).is_some());
    git(home.path(), &["add", "new.txt"]);
    assert_eq!(clean(home.path()), None, "a staged file");
    git(home.path(), &["reset", "-q"]);
    fs::write(home.path().join("web.py"), "changed\n").unwrap();
    assert_eq!(clean(home.path()), None, "a changed file");
    git(home.path(), &["add", "web.py"]);
    assert_eq!(clean(home.path()), None, "a staged change");
}

#[test]
fn a_touched_file_has_not_changed() {
    let Some(home) = repository() else { return };
    let file = fs::File::options().write(true).open(home.path().join("web.py")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(clean(home.path()).is_some());
}

#[test]
fn changes_in_a_submodule_count() {
    let (Some(home), Some(other)) = (repository(), repository()) else { return };
    let url = other.path().to_str().unwrap();
    git(home.path(), &["-c", "protocol.allow=always", "submodule", "--quiet", "add", url, "sub"]);
    git(home.path(), &["commit", "-q", "-m", "a submodule", "--no-gpg-sign"]);
    assert!(clean(home.path()).is_some());
    fs::write(home.path().join("sub/web.py"), "changed\n").unwrap();
    assert_eq!(clean(home.path()), None);
}

#[test]
fn a_directory_that_is_not_in_a_repository_has_no_commit() {
    let home = tempfile::tempdir().unwrap();
    for dir in [home.path(), Path::new("/no/such/directory")] {
        assert_eq!(commit(dir), Ok(None));
    }
}

#[test]
fn all_variables_that_git_calls_local_are_removed() {
    let git = Git::new(Path::new("/"), Instant::now() + FAR);
    let Some(output) = git.output(&["rev-parse", "--local-env-vars"]) else { return };
    let names = String::from_utf8(output.stdout).unwrap();
    assert!(names.lines().count() > 10);
    for name in names.lines() {
        assert!(command::LOCAL_VARIABLES.contains(&name), "{name}");
    }
}

#[test]
fn another_repository_in_the_environment_is_ignored() {
    let Some(other) = repository() else { return };
    let git_dir = other.path().join(".git");
    let variables = [
        ("GIT_DIR", git_dir.as_path()),
        ("GIT_WORK_TREE", other.path()),
        ("GIT_INDEX_FILE", &git_dir.join("index")),
    ];
    let test = "an_untracked_file_does_not_count_and_changed_or_staged_ones_do";
    in_child(test, &variables);
    in_child("a_directory_that_is_not_in_a_repository_has_no_commit", &variables);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a variable names the repository to read")]
fn a_repository_of_another_user_is_an_error() {
    if let Some(dir) = std::env::var_os("REPOSITORY_OF_ANOTHER_USER") {
        let dir = PathBuf::from(dir);
        assert_eq!(commit(&dir), Err(GitError::DubiousOwnership(dir)));
        return;
    }
    let Some(home) = repository() else { return };
    let variables = [
        ("REPOSITORY_OF_ANOTHER_USER", home.path()),
        ("GIT_TEST_ASSUME_DIFFERENT_OWNER", Path::new("1")),
    ];
    in_child("a_repository_of_another_user_is_an_error", &variables);
}

#[test]
fn programs_that_the_repository_configures_are_not_run() {
    let Some(home) = repository() else { return };
    let outside = tempfile::tempdir().unwrap();
    let ran = outside.path().join("ran");
    let script = outside.path().join("post-index-change");
    fs::write(&script, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\ncat\n", ran.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    fs::write(home.path().join(".gitattributes"), "* filter=evil diff=evil\n").unwrap();
    git(home.path(), &["add", ".gitattributes"]);
    git(home.path(), &["commit", "-q", "-m", "attributes", "--no-gpg-sign"]);
    for (key, value) in [
        ("core.fsmonitor", script),
        ("core.hooksPath", outside.path().to_str().unwrap()),
        ("diff.external", script),
        ("diff.evil.command", script),
        ("diff.evil.textconv", script),
        ("filter.evil.clean", script),
        ("filter.evil.process", script),
        ("filter.evil.smudge", script),
        ("filter.evil.required", "true"),
        ("log.showSignature", "true"),
        ("gpg.program", script),
    ] {
        git(home.path(), &["config", key, value]);
    }
    let file = fs::File::options().write(true).open(home.path().join("web.py")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(clean(home.path()).is_some());
    assert_eq!(fs::read_to_string(&ran).unwrap_or_default(), "");

    // names that -c cannot switch off
    let config = home.path().join(".git/config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"evil\"", "\"e=vil\"")).unwrap();
    fs::write(home.path().join(".gitattributes"), "* filter=e=vil diff=e=vil\n").unwrap();
    assert_eq!(clean(home.path()), None);
    assert_eq!(fs::read_to_string(&ran).unwrap_or_default(), "");
}
