use serde::{Deserialize, Serialize};

use super::serde_forms::null_is_empty;

/// A config of an app: a small named text (`GET /apps/{app}/configs`; v3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppConfig {
    /// The name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// The text, decoded.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub value: String,
}
