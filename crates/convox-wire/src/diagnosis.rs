//! The diagnosis of an app (v3).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty, year1_as_none};

/// What is wrong with an app (`GET /apps/{app}/diagnose`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The Kubernetes namespace.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub namespace: String,
    /// The rack.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub rack: String,
    /// The app.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub app: String,
    /// When it was made.
    #[serde(default, with = "year1_as_none")]
    pub timestamp: Option<DateTime<Utc>>,
    /// The services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overview: Option<Overview>,
    /// Processes that are still in an init container.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub init_pods: Vec<InitPod>,
    /// Processes that are not healthy, or all.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<Pod>,
    /// The number of processes by classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<DiagnosisSummary>,
}

/// The services of an app and its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The services.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub services: Vec<ServiceDiagnosis>,
    /// The newest events.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ClusterEvent>,
}

/// The state of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDiagnosis {
    /// The name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// The processes that it should have.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub desired_replicas: i64,
    /// Those that are ready.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub ready_replicas: i64,
    /// Those of the newest release.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub updated_replicas: i64,
    /// `running`, `deploying`, `stalled` or `scaled-down`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: String,
    /// Why it is stalled.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub stall_reason: Option<String>,
    /// Whether it runs on every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<bool>,
}

/// An event of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterEvent {
    /// When it happened.
    #[serde(default, with = "year1_as_none")]
    pub timestamp: Option<DateTime<Utc>>,
    /// `Normal` or `Warning`.
    #[serde(rename = "type", default, deserialize_with = "null_is_empty")]
    pub kind: String,
    /// The reason, one word.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub reason: String,
    /// What it happened to.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub object: String,
    /// What happened.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub message: String,
    /// What it means.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A process in an init container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitPod {
    /// The process.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// Its service.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub service: String,
    /// Its phase.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub phase: String,
    /// The init containers.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub init_containers: Vec<InitContainer>,
}

/// An init container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitContainer {
    /// The name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// The state.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub state: String,
    /// Its log.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub logs: Option<String>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// The process.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// Its service.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub service: String,
    /// Its phase.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub phase: String,
    /// The containers that are ready, such as `1/2`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub ready: String,
    /// Its age in seconds.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub age_seconds: i64,
    /// How often it was restarted.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub restarts: i64,
    /// `unhealthy`, `not-ready`, `new` or `healthy`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub classification: String,
    /// The state in detail, such as `CrashLoopBackOff`.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub state_detail: Option<String>,
    /// What it means.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The end of its log.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub logs: Option<String>,
    /// The end of the log before its last restart.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub previous_logs: Option<String>,
    /// Its events.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ClusterEvent>,
}

/// The number of processes by classification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DiagnosisSummary {
    /// All.
    #[serde(deserialize_with = "null_is_empty")]
    pub total: i64,
    /// Those that fail.
    #[serde(deserialize_with = "null_is_empty")]
    pub unhealthy: i64,
    /// Those that are not ready.
    #[serde(deserialize_with = "null_is_empty")]
    pub not_ready: i64,
    /// Those that have just started.
    #[serde(deserialize_with = "null_is_empty")]
    pub new: i64,
    /// Those that work.
    #[serde(deserialize_with = "null_is_empty")]
    pub healthy: i64,
}
