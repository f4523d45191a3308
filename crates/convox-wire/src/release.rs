use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, year1_as_none};
use super::{AppName, BuildId, Environment, ReleaseId};

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
        }
    }
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
}
