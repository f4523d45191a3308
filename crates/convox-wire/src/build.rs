use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty, year1_as_none};
use super::{AppName, BuildId, BuildStatus, ReleaseId};

/// A build (`GET /apps/{app}/builds/{id}`). Only `status` shows whether it has ended: `ended` and
/// `logs` are set a moment earlier (v2, v3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Build {
    /// The id.
    pub id: BuildId,
    /// The app.
    #[serde(default, with = "empty_as_none")]
    pub app: Option<AppName>,
    /// The description: given by the user, or from the git commit.
    #[serde(default, with = "empty_as_none")]
    pub description: Option<String>,
    /// The git commit.
    #[serde(default, with = "empty_as_none")]
    pub git_sha: Option<String>,
    /// The URL of the finished log (`object://…`).
    #[serde(default, with = "empty_as_none")]
    pub logs: Option<String>,
    /// The text of the manifest.
    #[serde(default, with = "empty_as_none")]
    pub manifest: Option<String>,
    /// The release it created, once complete.
    #[serde(default, with = "empty_as_none")]
    pub release: Option<ReleaseId>,
    /// Why it failed, if the rack reports it.
    #[serde(default, with = "empty_as_none")]
    pub reason: Option<String>,
    /// The status.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: BuildStatus,
    /// When it started.
    #[serde(default, with = "year1_as_none")]
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, with = "year1_as_none")]
    pub ended: Option<DateTime<Utc>>,
}

impl Build {
    /// A build with this id and status and nothing else.
    pub fn new(id: BuildId, status: BuildStatus) -> Self {
        Self {
            id,
            app: None,
            description: None,
            git_sha: None,
            logs: None,
            manifest: None,
            release: None,
            reason: None,
            status,
            started: None,
            ended: None,
        }
    }
}
