use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty, year1_as_none};

/// An instance of a rack (`GET /instances`; v2, v3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Instance {
    /// The id.
    pub id: String,
    /// The status.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: String,
    /// When it was started.
    #[serde(default, with = "year1_as_none")]
    pub started: Option<DateTime<Utc>>,
    /// The number of processes.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub processes: i64,
    /// Cores in use (v3), or their fraction (v2).
    #[serde(default, deserialize_with = "null_is_empty")]
    pub cpu: f64,
    /// The cores that apps can use (v3).
    #[serde(default, deserialize_with = "null_is_empty")]
    pub cpu_allocatable: f64,
    /// Memory in use, in MB (v3), or its fraction (v2).
    #[serde(default, deserialize_with = "null_is_empty")]
    pub memory: f64,
    /// The memory that apps can use, in MB (v3).
    #[serde(default, deserialize_with = "null_is_empty")]
    pub memory_allocatable: f64,
    /// The public address.
    #[serde(default, with = "empty_as_none")]
    pub public_ip: Option<String>,
    /// The private address.
    #[serde(default, with = "empty_as_none")]
    pub private_ip: Option<String>,
}
