use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty};

/// A resource of an app (`GET /apps/{app}/resources`; v2, v3) or of a rack (`GET /resources`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// The kind, such as `postgres`.
    #[serde(rename = "type", default, deserialize_with = "null_is_empty")]
    pub kind: String,
    /// The URL, with credentials.
    #[serde(default, with = "empty_as_none")]
    pub url: Option<String>,
    /// The status; only of a rack's resources.
    #[serde(default, with = "empty_as_none")]
    pub status: Option<String>,
    /// Parameters; only of a rack's resources.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub parameters: BTreeMap<String, String>,
}
