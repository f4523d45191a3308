//! What git knows of the folder that is built. Without git, without a repository, or where git
//! hangs, nothing is known and nothing fails.

use std::path::Path;
use std::time::Duration;

use super::run;

const LIMIT: Duration = Duration::from_secs(5);

/// A build's description: `build`, the short id and the subject of the last commit, where tracked
/// files are as committed. New files do not count, as in the existing clients; the repository is
/// that of `folder`, whatever the working folder.
pub fn description(folder: &Path) -> Option<String> {
    if !is_clean(folder) {
        return None;
    }
    let commit = git(folder, &["log", "-n", "1", "--pretty=%h %s", "--abbrev=10"])?;
    Some(format!("build {commit}"))
}

/// The full id of the last commit, changed files or not.
pub fn sha(folder: &Path) -> Option<String> {
    git(folder, &["rev-parse", "HEAD"])
}

/// When the last commit was made, in seconds since 1970, where tracked files are as committed,
/// and nothing is staged either.
pub fn commit_time(folder: &Path) -> Option<i64> {
    let as_committed = run("git", &["diff", "--quiet", "HEAD"], folder, LIMIT);
    if !as_committed.is_ok_and(|output| output.status.success()) {
        return None;
    }
    git(folder, &["log", "-n", "1", "--pretty=%ct"])?.parse().ok()
}

fn is_clean(folder: &Path) -> bool {
    run("git", &["diff", "--quiet"], folder, LIMIT).is_ok_and(|output| output.status.success())
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    run("git", arguments, folder, LIMIT).ok()?.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A repository with one commit of `web.py`; `None` on a machine without git.
    fn repository() -> Option<tempfile::TempDir> {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("web.py"), "print('Hello')\n").unwrap();
        let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
        let commit = ["commit", "-q", "-m", "deeper moorings\n\nbody", "--no-gpg-sign"];
        let commit = [&who[..], &commit[..]].concat();
        for step in [&["init", "-q"][..], &["add", "."], &commit] {
            let output = run("git", step, home.path(), LIMIT).ok()?;
            assert!(output.status.success(), "{step:?}");
        }
        Some(home)
    }

    #[test]
    fn a_clean_tree_is_described_by_its_last_commit() {
        let Some(home) = repository() else { return };
        let sha = sha(home.path()).unwrap();
        assert_eq!(sha.len(), 40);
        let expected = format!("build {} deeper moorings", &sha[..10]);
        assert_eq!(description(home.path()), Some(expected));
        assert!(commit_time(home.path()).unwrap() > 1_700_000_000);
    }

    #[test]
    fn the_repository_is_that_of_the_folder_also_from_within() {
        let Some(home) = repository() else { return };
        let inside = home.path().join("web");
        fs::create_dir(&inside).unwrap();
        assert_eq!(sha(&inside), sha(home.path()));
        assert_eq!(description(&inside), description(home.path()));
    }

    #[test]
    fn a_new_file_does_not_count_and_a_changed_one_does() {
        let Some(home) = repository() else { return };
        fs::write(home.path().join("new.txt"), "").unwrap();
        assert!(description(home.path()).is_some());
        fs::write(home.path().join("web.py"), "changed\n").unwrap();
        assert_eq!(description(home.path()), None);
        assert_eq!(commit_time(home.path()), None);
        assert!(sha(home.path()).is_some());
    }

    #[test]
    fn nothing_is_known_of_a_folder_that_is_no_repository() {
        let home = tempfile::tempdir().unwrap();
        for folder in [home.path(), Path::new("/no/such/folder")] {
            assert_eq!(description(folder), None);
            assert_eq!(sha(folder), None);
            assert_eq!(commit_time(folder), None);
        }
    }
}
