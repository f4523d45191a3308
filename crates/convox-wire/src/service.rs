use serde::{Deserialize, Serialize};

use super::ServiceName;
use super::serde_forms::{empty_as_none, null_is_empty};

/// A service of the active release (`GET /apps/{app}/services`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// The name.
    pub name: ServiceName,
    /// The number of processes.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub count: i64,
    /// CPU units: 1024 per core on v2, 1000 per core on v3.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub cpu: i64,
    /// Memory in MB.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub memory: i64,
    /// The domain of its router.
    #[serde(default, with = "empty_as_none")]
    pub domain: Option<String>,
    /// Network load balancer ports; v2 only.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub nlb: Vec<NlbPort>,
    /// Router ports.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub ports: Vec<Port>,
    /// Number of GPUs; v3 only.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub gpu: i64,
    /// Vendor of the GPUs; v3 only.
    #[serde(default, with = "empty_as_none")]
    pub gpu_vendor: Option<String>,
    /// Fewest processes when autoscaled; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Most processes when autoscaled; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// Whether it starts from zero processes on the first request; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<bool>,
    /// Autoscaling; v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
}

impl Service {
    /// A service with this name and one process and nothing else.
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

/// A router port of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The outer port; 0 if there is none.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub balancer: u32,
    /// The certificate's id.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub certificate: String,
    /// The process's port; 0 if there is none.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub container: u32,
}

/// A network load balancer port of a service (v2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct NlbPort {
    /// The process's port.
    #[serde(deserialize_with = "null_is_empty")]
    pub container_port: u32,
    /// The outer port.
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
    /// Whether it is balanced across zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_zone: Option<bool>,
    /// The networks that may connect.
    #[serde(deserialize_with = "null_is_empty")]
    pub allow_cidr: Vec<String>,
    /// Whether the service sees the address of the client.
    #[serde(rename = "preserve-client-ip", skip_serializing_if = "Option::is_none")]
    pub preserve_client_ip: Option<bool>,
}

/// Autoscaling of a service (v3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Autoscale {
    /// Whether it is enabled.
    #[serde(deserialize_with = "null_is_empty")]
    pub enabled: bool,
    /// Target CPU usage in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_threshold: Option<i64>,
    /// Target memory usage in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_threshold: Option<i64>,
    /// Target GPU usage in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_threshold: Option<i64>,
    /// Target queue length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_threshold: Option<i64>,
    /// Number of the app's custom triggers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_triggers: Option<i64>,
}
