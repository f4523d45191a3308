use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, year1_as_none};
use super::{AppName, BuildId, Environment, ReleaseId};

/// A release: a build and an environment (`GET /apps/{app}/releases/{id}`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// The app it belongs to.
    #[serde(default, with = "empty_as_none")]
    pub app: Option<AppName>,
    /// The build it runs; a release made by `env set` on a new app has none.
    #[serde(default, with = "empty_as_none")]
    pub build: Option<BuildId>,
    /// The environment its processes get. v2 leaves it empty in lists.
    #[serde(default)]
    pub env: Environment,
    /// The text of the manifest.
    #[serde(default, with = "empty_as_none")]
    pub manifest: Option<String>,
    /// How it came about; absent on classic racks.
    #[serde(default, with = "empty_as_none")]
    pub description: Option<String>,
    /// When it was made.
    #[serde(default, with = "year1_as_none")]
    pub created: Option<DateTime<Utc>>,
}

impl Release {
    /// A release of this id with nothing in it.
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

/// A release as lists need it: without environment and manifest, which can be large.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReleaseSummary {
    /// Its id.
    pub id: ReleaseId,
    /// The build it runs.
    #[serde(default, with = "empty_as_none")]
    pub build: Option<BuildId>,
    /// How it came about.
    #[serde(default, with = "empty_as_none")]
    pub description: Option<String>,
    /// When it was made.
    #[serde(default, with = "year1_as_none")]
    pub created: Option<DateTime<Utc>>,
}
