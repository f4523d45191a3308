use serde::{Deserialize, Serialize};

use super::ServiceName;
use super::serde_forms::null_is_empty;

/// A load balancer of an app (`GET /apps/{app}/balancers`; v3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balancer {
    /// The name.
    pub name: String,
    /// The host name or address.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub endpoint: String,
    /// Its ports.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub ports: Vec<BalancerPort>,
    /// The service behind it.
    pub service: ServiceName,
}

/// A port of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerPort {
    /// `TCP`, `UDP` or `TLS`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub protocol: String,
    /// The outer port.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub source: u32,
    /// The port of the service.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub target: u32,
}
