use std::fmt;

use serde::{Deserialize, Serialize};

/// The key of an uploaded object. The client chooses it, so an upload can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// `tmp/` and 30 hexadecimal digits of `random`, the format of the Go clients.
    pub fn temporary(random: [u8; 15]) -> Self {
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("tmp/{digits}.tgz"))
    }

    /// The segments of the key, for the path.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The URL of an object at its rack, such as `object://web/tmp/0123….tgz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectUrl(pub String);

/// The response to an upload (`POST /apps/{app}/objects/{key}`). Racks spell the key `Url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// The URL.
    #[serde(rename = "Url", alias = "url")]
    pub url: ObjectUrl,
}
