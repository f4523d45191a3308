use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, year1_as_none};
use super::{AppName, BuildId, Environment, ReleaseId, ReleaseStatus};

/// A release: a build and an environment (`GET /apps/{app}/releases/{id}`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The id.
    pub id: ReleaseId,
    /// The app.
    #[serde(default, with = "empty_as_none")]
    pub app: Option<AppName>,
    /// The build. A release created by `env set` on a new app has none.
    #[serde(default, with = "empty_as_none")]
    pub build: Option<BuildId>,
    /// The environment. v2 racks leave it empty in lists.
    #[serde(default)]
    pub env: Environment,
    /// The text of the manifest.
    #[serde(default, with = "empty_as_none")]
    pub manifest: Option<String>,
    /// The description; absent on classic racks.
    #[serde(default, with = "empty_as_none")]
    pub description: Option<String>,
    /// When it was created.
    #[serde(default, with = "year1_as_none")]
    pub created: Option<DateTime<Utc>>,
    /// What became of its last promote. Only the development rack reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ReleaseStatus>,
    /// Why its last promote failed. Only the development rack reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it last became the active release. Only the development rack reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<DateTime<Utc>>,
}

impl Release {
    /// A release with this id and nothing else.
    pub fn new(id: ReleaseId) -> Self {
        Self {
            id,
            app: None,
            build: None,
            env: Environment::default(),
            manifest: None,
            description: None,
            created: None,
            status: None,
            reason: None,
            promoted: None,
        }
    }
}

/// How the description of a rollback begins.
const ROLLBACK: &str = "rollback to ";

/// The description of a release that is a copy of an older one.
pub fn rollback_description(older: &ReleaseId) -> String {
    format!("{ROLLBACK}{older}")
}

/// The release that a rollback went back to, as its description says; `None` for other releases.
/// Racks have no field for it.
pub fn rollback_target(description: &str) -> Option<ReleaseId> {
    let id = description.strip_prefix(ROLLBACK)?;
    let is_id = id.starts_with('R') && id.chars().all(|c| c.is_ascii_uppercase());
    is_id.then(|| ReleaseId::from_rack(id))
}

/// A release as needed for lists: without environment and manifest, which can be large.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReleaseSummary {
    /// The id.
    pub id: ReleaseId,
    /// The build.
    #[serde(default, with = "empty_as_none")]
    pub build: Option<BuildId>,
    /// The description.
    #[serde(default, with = "empty_as_none")]
    pub description: Option<String>,
    /// When it was created.
    #[serde(default, with = "year1_as_none")]
    pub created: Option<DateTime<Utc>>,
    /// As [`Release::status`].
    #[serde(default)]
    pub status: Option<ReleaseStatus>,
    /// As [`Release::reason`].
    #[serde(default)]
    pub reason: Option<String>,
    /// As [`Release::promoted`].
    #[serde(default)]
    pub promoted: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_is_known_by_its_description() {
        let older: ReleaseId = "RZYWJKKRDLI".parse().unwrap();
        assert_eq!(rollback_target(&rollback_description(&older)), Some(older));
        for other in
            ["", "rollback to ", "rollback to Rome", "rollback to a better design", "env add:DEPTH"]
        {
            assert_eq!(rollback_target(other), None, "{other:?}");
        }
    }
}
