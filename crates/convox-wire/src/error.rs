use serde::{Deserialize, Serialize};

/// The JSON form of a rack's refusal: v3 on request, classic and consoles always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The rack's words.
    #[serde(alias = "Error", alias = "ERROR")]
    pub error: String,
}
