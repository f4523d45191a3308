use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty};
use super::{AppName, AppStatus, ReleaseId};

/// An app (`GET /apps`, `GET /apps/{app}`). Classic racks send name, release and status alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// `1` or `2` on v2 racks, `3` on v3.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// A locked app cannot be deleted.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub locked: bool,
    /// Its name.
    pub name: AppName,
    /// The active release. v3 shows the new one as soon as a promote is accepted, v2 at its end.
    #[serde(default, with = "empty_as_none")]
    pub release: Option<ReleaseId>,
    /// The router's host; always empty on v2.
    #[serde(default, with = "empty_as_none")]
    pub router: Option<String>,
    /// What it is doing.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: AppStatus,
    /// Parameters; secret ones read `****` on v2.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub parameters: BTreeMap<String, String>,
}

impl App {
    /// An app of this name with nothing in it.
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
