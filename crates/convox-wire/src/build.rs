use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty, year1_as_none};
use super::{AppName, BuildId, BuildStatus, ReleaseId};

/// A build (`GET /apps/{app}/builds/{id}`). Only `status` tells whether it has ended: `ended` and
/// `logs` are set a moment before it (v2, v3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// The app it belongs to.
    #[serde(default, with = "empty_as_none")]
    pub app: Option<AppName>,
    /// What a person said about it, or the git commit.
    #[serde(default, with = "empty_as_none")]
    pub description: Option<String>,
    /// The commit it was made from.
    #[serde(default, with = "empty_as_none")]
    pub git_sha: Option<String>,
    /// Where the finished log is kept (`object://…`).
    #[serde(default, with = "empty_as_none")]
    pub logs: Option<String>,
    /// The text of the manifest.
    #[serde(default, with = "empty_as_none")]
    pub manifest: Option<String>,
    /// The release it made, once complete.
    #[serde(default, with = "empty_as_none")]
    pub release: Option<ReleaseId>,
    /// Why it failed, where the rack says so.
    #[serde(default, with = "empty_as_none")]
    pub reason: Option<String>,
    /// What it is doing.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: BuildStatus,
    /// When it began.
    #[serde(default, with = "year1_as_none")]
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, with = "year1_as_none")]
    pub ended: Option<DateTime<Utc>>,
}

impl Build {
    /// A build of this id with nothing known but its status.
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
