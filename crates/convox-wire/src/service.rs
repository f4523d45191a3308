use serde::{Deserialize, Serialize};

use super::ServiceName;
use super::serde_forms::{empty_as_none, null_is_empty};

/// A service of the active release (`GET /apps/{app}/services`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// How many processes are wanted.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub count: i64,
    /// Processor units: 1024 to a core on v2, millicores on v3.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub cpu: i64,
    /// Memory in MB.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub memory: i64,
    /// Where it answers.
    #[serde(default, with = "empty_as_none")]
    pub domain: Option<String>,
    /// Ports of a network balancer; v2 only.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub nlb: Vec<NlbPort>,
    /// Ports of the router.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub ports: Vec<Port>,
    /// Graphics processors; v3 only.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub gpu: i64,
    /// v3 only.
    #[serde(default, with = "empty_as_none")]
    pub gpu_vendor: Option<String>,
    /// The least processes an autoscaled service may have; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The most processes an autoscaled service may have; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// Starts from zero on the first request; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<bool>,
    /// How it scales by itself; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
}

impl Service {
    /// A service of this name with one process and nothing else.
    pub fn new(name: ServiceName) -> Self {
        Self {
            name,
            count: 1,
            cpu: 0,
            memory: 0,
            domain: None,
            nlb: Vec::new(),
            ports: Vec::new(),
            gpu: 0,
            gpu_vendor: None,
            min: None,
            max: None,
            cold_start: None,
            autoscale: None,
        }
    }
}

/// A port of a service at the router.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The port outside; 0 for none.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub balancer: u32,
    /// The certificate's id.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub certificate: String,
    /// The port inside; 0 for none.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub container: u32,
}

/// A port of a service at a network balancer (v2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct NlbPort {
    /// The port inside.
    #[serde(deserialize_with = "null_is_empty")]
    pub container_port: u32,
    /// The port outside.
    #[serde(deserialize_with = "null_is_empty")]
    pub port: u32,
    /// `tcp`, `tls` or `udp`.
    #[serde(deserialize_with = "null_is_empty")]
    pub protocol: String,
    /// `public` or `internal`.
    #[serde(deserialize_with = "null_is_empty")]
    pub scheme: String,
    /// The certificate's id.
    #[serde(deserialize_with = "null_is_empty")]
    pub certificate: String,
    /// Spreads over zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_zone: Option<bool>,
    /// Networks that may connect.
    #[serde(deserialize_with = "null_is_empty")]
    pub allow_cidr: Vec<String>,
    /// Shows the client's own address to the service.
    #[serde(rename = "preserve-client-ip", skip_serializing_if = "Option::is_none")]
    pub preserve_client_ip: Option<bool>,
}

/// How a service scales by itself (v3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Autoscale {
    /// Is it on?
    #[serde(deserialize_with = "null_is_empty")]
    pub enabled: bool,
    /// Percent of processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_threshold: Option<i64>,
    /// Percent of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_threshold: Option<i64>,
    /// Percent of graphics processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_threshold: Option<i64>,
    /// Length of a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_threshold: Option<i64>,
    /// Number of triggers of the app's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_triggers: Option<i64>,
}
