//! What git knows of the folder that is built. Without git, without a repository, or where git
//! hangs, nothing is known and nothing fails.

use std::path::Path;
use std::time::Duration;

use super::run;

const LIMIT: Duration = Duration::from_secs(5);

/// The last commit of the repository that a folder is in, whatever the working folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its full id, changed files or not.
    pub sha: String,
    /// What is true of the folder only where its tracked files are as committed. New files do not
    /// count, as in the existing clients.
    pub clean: Option<Clean>,
}

/// A commit that nothing was changed after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    /// A build's description: `build`, the short id and the subject.
    pub description: String,
    /// When it was made, in seconds since 1970.
    pub time: i64,
}

/// Asks for the last commit.
pub fn commit(folder: &Path) -> Option<Commit> {
    let told = git(folder, &["log", "-n", "1", "--pretty=%H%n%ct%n%h %s", "--abbrev=10"])?;
    let mut lines = told.splitn(3, '\n');
    let (sha, time, title) = (lines.next()?, lines.next()?, lines.next()?);
    let clean = || Some(Clean { description: format!("build {title}"), time: time.parse().ok()? });
    let clean = if is_clean(folder) { clean() } else { None };
    Some(Commit { sha: sha.to_owned(), clean })
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

    fn description(folder: &Path) -> Option<String> {
        Some(commit(folder)?.clean?.description)
    }

    #[test]
    fn a_clean_tree_is_described_by_its_last_commit() {
        let Some(home) = repository() else { return };
        let Commit { sha, clean } = commit(home.path()).unwrap();
        assert_eq!(sha.len(), 40);
        let clean = clean.unwrap();
        assert_eq!(clean.description, format!("build {} deeper moorings", &sha[..10]));
        assert!(clean.time > 1_700_000_000);
    }

    #[test]
    fn the_repository_is_that_of_the_folder_also_from_within() {
        let Some(home) = repository() else { return };
        let inside = home.path().join("web");
        fs::create_dir(&inside).unwrap();
        assert_eq!(commit(&inside), commit(home.path()));
    }

    #[test]
    fn a_new_file_does_not_count_and_a_changed_one_does() {
        let Some(home) = repository() else { return };
        fs::write(home.path().join("new.txt"), "").unwrap();
        assert!(description(home.path()).is_some());
        fs::write(home.path().join("web.py"), "changed\n").unwrap();
        assert_eq!(commit(home.path()).unwrap().clean, None);
    }

    #[test]
    fn nothing_is_known_of_a_folder_that_is_no_repository() {
        let home = tempfile::tempdir().unwrap();
        for folder in [home.path(), Path::new("/no/such/folder")] {
            assert_eq!(commit(folder), None);
        }
    }
}
