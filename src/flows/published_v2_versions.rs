//! The published versions of v2 racks, which 2.x clients read from a list in S3.

use serde::Deserialize;

use crate::context::{Context, Published};
use crate::error::{CommandError, Hint};

/// A version of v2 racks. They are times, and so sorted by their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    published: bool,
    /// Racks can't be updated past it.
    #[serde(default)]
    required: bool,
}

/// Returns the version to update to from `current`: the next one that is required, or else the
/// latest one that is published.
///
/// # Errors
/// The list can't be read, or has no such version.
pub(crate) async fn next(cx: &Context, current: &str) -> Result<String, CommandError> {
    let list = cx.published(Published::V2)?;
    let list = async { list.get_raw("/release/versions.json").await?.json::<Vec<Version>>() };
    let list = list.await.map_err(|error| {
        CommandError::while_doing("the published versions can't be listed", error)
    });
    let next = list.and_then(|list| next_of(list, current).map_err(CommandError::new));
    next.map_err(|error| {
        error.hint(Hint::command("choose the version with", "rack update").arg("VERSION"))
    })
}

fn next_of(mut list: Vec<Version>, current: &str) -> Result<String, String> {
    if !list.iter().any(|one| one.version == current) {
        return Err(format!("current version \"{current}\" not found"));
    }
    list.retain(|one| one.version.as_str() > current);
    list.sort();
    let required = list.iter().position(|one| one.required);
    let published = list.iter().rposition(|one| one.published);
    match required.or(published) {
        Some(next) => Ok(list.swap_remove(next).version),
        None => Err(format!("current version \"{current}\" is latest")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_required_version_is_skipped() {
        let version = |version: &str, published, required| Version {
            version: version.into(),
            published,
            required,
        };
        let list = vec![
            version("20260401000000", true, false),
            version("20260101000000", true, false),
            version("20260201000000", true, true),
            version("20260301000000", false, false),
            version("20260501000000", false, false),
        ];
        let next = |current| next_of(list.clone(), current);
        assert_eq!(next("20260101000000").as_deref(), Ok("20260201000000"));
        assert_eq!(next("20260201000000").as_deref(), Ok("20260401000000"));
        let latest = "current version \"20260401000000\" is latest".to_owned();
        assert_eq!(next("20260401000000"), Err(latest));
        let unknown = "current version \"20250101000000\" not found".to_owned();
        assert_eq!(next("20250101000000"), Err(unknown));
    }
}
