use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SystemStatus;
use super::serde_forms::{empty_as_none, null_is_empty};

/// A rack (`GET /system`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct System {
    /// Number of instances; always 0 on v3.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub count: i64,
    /// The router's domain.
    #[serde(default, with = "empty_as_none")]
    pub domain: Option<String>,
    /// The name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// `aws`, `gcp`, `azure`, `do`, `local`, `metal`; `dev` for the development rack.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub provider: String,
    /// The host of its API.
    #[serde(default, with = "empty_as_none")]
    pub rack_domain: Option<String>,
    /// Empty on v3.
    #[serde(default, with = "empty_as_none")]
    pub region: Option<String>,
    /// The internal router's host; v3 only.
    #[serde(default, with = "empty_as_none")]
    pub router_internal: Option<String>,
    /// The status.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: SystemStatus,
    /// Instance type; empty on v3.
    #[serde(default, rename = "type", with = "empty_as_none")]
    pub instance_type: Option<String>,
    /// A date stamp on v2 and before, `3.x.y` on v3, empty on very old racks.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub version: String,
    /// Stack outputs; v2 only.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub outputs: BTreeMap<String, String>,
    /// Stack parameters; v2 only.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub parameters: BTreeMap<String, String>,
}
