//! Asks git about the directory that is built. Without git or a repository there is no commit,
//! which is not an error.

mod command;

#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use command::Git;

/// How long all commands together may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The last commit of the repository that a directory is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its full id.
    pub sha: String,
    /// `None` if a tracked file differs from the commit. Untracked files do not count.
    pub clean: Option<Clean>,
}

/// A commit that describes the directory exactly, apart from untracked files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    /// The description of a build: `build`, the short id, and the subject.
    pub description: String,
    /// The commit's time, in seconds since 1970.
    pub time: i64,
}

/// Why git did not answer although there is a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// git does not read repositories of other users, as their configuration names programs to run
    /// (`safe.directory` in git's documentation).
    #[error("git does not read the repository of {}, which belongs to another user", .0.display())]
    DubiousOwnership(PathBuf),
}

/// Returns the last commit of the repository that `dir` is in; `None` if there is none, or if git is
/// not installed, fails, or takes too long.
///
/// # Errors
/// Fails if git refuses to read the repository because it belongs to another user.
pub fn commit(dir: &Path) -> Result<Option<Commit>, GitError> {
    let git = Git::new(dir, Instant::now() + LIMIT);
    let log = ["log", "-n", "1", "--pretty=%H%n%ct%n%h %s", "--abbrev=10"];
    match git.output(&log) {
        Some(output) if output.status.success() => Ok(parse(&git, &output.stdout)),
        Some(output) if is_dubious(&output.stderr) => {
            Err(GitError::DubiousOwnership(dir.to_owned()))
        }
        _ => Ok(None),
    }
}

/// Recognizes the refusal of git 2.35.2 and of later versions.
fn is_dubious(stderr: &[u8]) -> bool {
    let stderr = String::from_utf8_lossy(stderr);
    stderr.contains("dubious ownership") || stderr.contains("unsafe repository")
}

fn parse(git: &Git<'_>, log: &[u8]) -> Option<Commit> {
    let log = String::from_utf8_lossy(log);
    let mut lines = log.trim().splitn(3, '\n');
    let (sha, time, title) = (lines.next()?, lines.next()?, lines.next()?);
    let clean = || Some(Clean { description: format!("build {title}"), time: time.parse().ok()? });
    let clean = if is_clean(git) == Some(true) { clean() } else { None };
    Some(Commit { sha: sha.to_owned(), clean })
}

/// Returns whether no tracked file differs from HEAD, in the repository and its submodules; `None`
/// if that cannot be found out.
///
/// git itself would look into submodules with their own configuration, so this does it instead.
fn is_clean(git: &Git<'_>) -> Option<bool> {
    if git.has_changes()? {
        return Some(false);
    }
    let top = git.top_level()?;
    for path in submodules(git, &top)? {
        let submodule = top.join(path);
        if !submodule.join(".git").exists() {
            continue; // not checked out
        }
        let inside = Git::new(&submodule, git.deadline);
        // git goes on to the parent directories if `.git` is not a repository
        if inside.top_level()? != submodule.canonicalize().ok()? {
            return None;
        }
        if !is_clean(&inside)? {
            return Some(false);
        }
    }
    Some(true)
}

/// Returns the paths of the submodules, relative to the top level.
fn submodules(git: &Git<'_>, top: &Path) -> Option<Vec<PathBuf>> {
    if !top.join(".gitmodules").is_file() {
        return Some(Vec::new());
    }
    let inside = |path: &PathBuf| path.components().all(|c| matches!(c, Component::Normal(_)));
    let paths = git.submodule_paths(&top.join(".gitmodules"))?;
    Some(paths.into_iter().filter(inside).collect())
}
