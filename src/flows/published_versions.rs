//! The published versions of v3 racks: the releases of convox/convox on GitHub.

use serde::Deserialize;

use super::rack_version::Version;
use crate::context::{Context, Published};
use crate::error::{CommandError, Hint};
use convox_client::rack::{Error, Rack};

/// The most releases on a page of the list.
const PAGE: usize = 100;

/// A release on GitHub (`GET /repos/{owner}/{repo}/releases`).
#[derive(Debug, Deserialize)]
struct Release {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
}

/// Returns the newest patch of the minor version `current`; for a version without a minor version,
/// the latest release.
///
/// # Errors
/// The list can't be read, or has no such version.
pub(crate) async fn newest_patch(cx: &Context, current: &str) -> Result<String, CommandError> {
    let github = cx.published(Published::V3)?;
    let found = match Version::parse(current) {
        Some(version) => newest_patch_of(&github, version).await,
        None => latest(&github).await.map(Some),
    };
    let found = found.map_err(|error| {
        CommandError::while_doing("the published versions can't be listed", error).hint(choose())
    })?;
    found.ok_or_else(|| {
        CommandError::new(format!("No published revisions found for this version: {current}"))
            .hint(choose())
    })
}

fn choose() -> Hint {
    Hint::command("choose the version with", "rack update").arg("VERSION")
}

async fn latest(github: &Rack) -> Result<String, Error> {
    let release: Release = github.get_raw("/repos/convox/convox/releases/latest").await?.json()?;
    Ok(release.tag_name)
}

async fn newest_patch_of(github: &Rack, current: Version) -> Result<Option<String>, Error> {
    for page in 1.. {
        let path = format!("/repos/convox/convox/releases?per_page={PAGE}&page={page}");
        let releases: Vec<Release> = github.get_raw(&path).await?.json()?;
        let is_last = releases.len() < PAGE;
        // The list is sorted by time: patches on later pages are older.
        if let Some(newest) = newest_of(releases, current) {
            return Ok(Some(newest));
        }
        if is_last {
            break;
        }
    }
    Ok(None)
}

fn newest_of(releases: Vec<Release>, current: Version) -> Option<String> {
    let published = releases.into_iter().filter(|release| !release.draft && !release.prerelease);
    let patches = published.filter_map(|release| {
        let version = Version::parse(&release.tag_name)?;
        version.is_patch_of(current).then_some((version, release.tag_name))
    });
    patches.max().map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_candidates_and_other_minor_versions_are_passed_over() {
        let release =
            |tag: &str, draft, prerelease| Release { tag_name: tag.into(), draft, prerelease };
        let releases = vec![
            release("3.25.0", false, false),
            release("3.24.12", true, false),
            release("3.24.11", false, true),
            release("3.24.11-rc1", false, false),
            release("3.24.9", false, false),
            release("3.24.10", false, false),
        ];
        assert_eq!(newest_of(releases, Version(3, 24, 7)).as_deref(), Some("3.24.10"));
        assert_eq!(newest_of(Vec::new(), Version(3, 24, 7)), None);
    }
}
