//! What git says about a source.

use std::path::Path;

use crate::context::Context;
use crate::programs::git;
use convox_package::Times;

/// The commit that a source is made from.
#[derive(Default)]
pub(super) struct Commit {
    /// `build <short sha> <subject>`, where nothing is changed since.
    pub(super) description: Option<String>,
    /// The commit's full id.
    pub(super) sha: Option<String>,
    /// The times of the archive's entries: the commit's, where nothing is changed since, so that
    /// the same commit gives the same archive.
    pub(super) times: Option<Times>,
}

/// Asks git about `dir`; a folder that is no repository has no commit.
pub(super) async fn of(cx: &Context, dir: &Path) -> Commit {
    if cx.settings.env.test {
        return Commit::default();
    }
    let dir = dir.to_owned();
    // A panic in there is a folder without a commit.
    let told = tokio::task::spawn_blocking(move || git::commit(&dir)).await.unwrap_or_default();
    let Some(git::Commit { sha, clean }) = told else { return Commit::default() };
    let (description, times) =
        clean.map(|clean| (clean.description, Times::Fixed(clean.time))).unzip();
    Commit { description, sha: Some(sha), times }
}
