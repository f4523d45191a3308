use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty};

/// A registry that a rack may pull images from (`GET /registries`; v2, v3). Its password is not
/// read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    /// Host, port and path.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub server: String,
    /// The user.
    #[serde(default, with = "empty_as_none")]
    pub username: Option<String>,
}
