use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty, year1_as_none};

/// A TLS certificate (`GET /certificates`; v2, v3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The id.
    pub id: String,
    /// The first domain.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub domain: String,
    /// All domains.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub domains: Vec<String>,
    /// When it expires.
    #[serde(default, with = "year1_as_none")]
    pub expiration: Option<DateTime<Utc>>,
    /// `Not Ready`, for example; absent if it is ready (v3).
    #[serde(default, with = "empty_as_none")]
    pub status: Option<String>,
}

/// How a rack gets certificates of Let's Encrypt (`GET /letsencrypt/config`; v3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetsEncryptConfig {
    /// The role of the rack's certificate manager.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub role: String,
    /// How to prove the control of domains.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub solvers: Vec<DnsSolver>,
}

/// How to prove the control of some domains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DnsSolver {
    /// The id, from 1.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub id: i64,
    /// The domains.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub dns_zones: Vec<String>,
    /// By records in Route 53.
    #[serde(default)]
    pub route53: Option<Route53>,
}

/// Access to a zone of Route 53.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Route53 {
    /// The id of the zone.
    #[serde(default)]
    pub hosted_zone_id: Option<String>,
    /// The region.
    #[serde(default)]
    pub region: Option<String>,
    /// The role that may change its records.
    #[serde(default)]
    pub role: Option<String>,
}
