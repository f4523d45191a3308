use serde::{Deserialize, Serialize};

/// The JSON body of a refusal: from v3 racks on request, from classic racks and consoles always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The rack's message.
    #[serde(alias = "Error", alias = "ERROR")]
    pub error: String,
}
