use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an upload is kept at the rack. The client chooses it, so an upload may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// `tmp/` and 30 hexadecimal digits of `random`, as the existing clients write it.
    pub fn temporary(random: [u8; 15]) -> Self {
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("tmp/{digits}.tgz"))
    }

    /// The key's segments, as they go into the path.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address a rack gives an object, such as `object://web/tmp/0123….tgz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectUrl(pub String);

/// The answer to an upload (`POST /apps/{app}/objects/{key}`). The key is spelled `Url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Where it is.
    #[serde(rename = "Url", alias = "url")]
    pub url: ObjectUrl,
}
