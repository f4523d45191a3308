use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty};
use super::{AppName, AppStatus, ReleaseId};

/// An app (`GET /apps`, `GET /apps/{app}`). Classic racks send only name, release and status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// `1` or `2` on v2 racks, `3` on v3.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// Whether deleting it is forbidden.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub locked: bool,
    /// The name.
    pub name: AppName,
    /// The active release. v3 racks show a promoted release at once, v2 racks after its update.
    #[serde(default, with = "empty_as_none")]
    pub release: Option<ReleaseId>,
    /// The router's host; always empty on v2.
    #[serde(default, with = "empty_as_none")]
    pub router: Option<String>,
    /// The status.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: AppStatus,
    /// Parameters; secret ones are `****` on v2.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub parameters: BTreeMap<String, String>,
}

impl App {
    /// An app with this name and status and nothing else.
    pub fn new(name: AppName, status: AppStatus) -> Self {
        Self {
            generation: None,
            locked: false,
            name,
            release: None,
            router: None,
            status,
            parameters: BTreeMap::new(),
        }
    }
}
