//! The commit that a source is built from.

use std::path::Path;

use crate::context::Context;
use crate::programs::git;
use convox_package::Times;

/// What is known about the commit. The default is a source without one.
#[derive(Default)]
pub(super) struct Commit {
    /// `build <short id> <subject>`, if no tracked file has changed since the commit.
    pub(super) description: Option<String>,
    /// The full id.
    pub(super) sha: Option<String>,
    /// The times of the archive's entries: the commit's, if no tracked file has changed since, so
    /// that the same commit gives the same archive.
    pub(super) times: Option<Times>,
}

/// Asks git about the repository that `dir` is in.
pub(super) async fn of(cx: &Context, dir: &Path) -> Commit {
    if cx.settings.env.test {
        return Commit::default();
    }
    let dir = dir.to_owned();
    let asked = tokio::task::spawn_blocking(move || git::commit(&dir)).await;
    match asked {
        Ok(Ok(Some(git::Commit { sha, clean }))) => {
            let (description, times) =
                clean.map(|clean| (clean.description, Times::Fixed(clean.time))).unzip();
            Commit { description, sha: Some(sha), times }
        }
        Ok(Err(error @ git::GitError::DubiousOwnership(_))) => {
            cx.notice(format_args!(
                "the build has no commit: {error}; see safe.directory in git help config"
            ));
            Commit::default()
        }
        // a panic of the blocking task is a source without a commit
        Ok(Ok(None)) | Err(_) => Commit::default(),
    }
}
