use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::serde_forms::{empty_as_none, null_is_empty, year1_as_none};
use super::{AppName, ProcessId, ProcessStatus, ReleaseId};

/// A process of a service (`GET /apps/{app}/processes`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// The id: a pod name on v3.
    pub id: ProcessId,
    /// The app.
    #[serde(default, with = "empty_as_none")]
    pub app: Option<AppName>,
    /// The command it runs.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub command: String,
    /// CPU usage, as a fraction.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub cpu: f64,
    /// The host.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub host: String,
    /// The image.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub image: String,
    /// The instance.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub instance: String,
    /// Memory usage in MB.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub memory: f64,
    /// The service.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// `host:container` or `container` ports.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub ports: Vec<String>,
    /// The release.
    #[serde(default, with = "empty_as_none")]
    pub release: Option<ReleaseId>,
    /// When it started.
    #[serde(default, with = "year1_as_none")]
    pub started: Option<DateTime<Utc>>,
    /// The status.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: ProcessStatus,
    /// How often processes of its service have been restarted after a crash. Only the development
    /// rack reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u64>,
    /// How the process before it ended, such as `ended with exit code 3`. Only the development rack
    /// reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
}

impl Process {
    /// A process with this id, service and status and nothing else.
    pub fn new(id: ProcessId, name: String, status: ProcessStatus) -> Self {
        Self {
            id,
            app: None,
            command: String::new(),
            cpu: 0.0,
            host: String::new(),
            image: String::new(),
            instance: String::new(),
            memory: 0.0,
            name,
            ports: Vec::new(),
            release: None,
            started: None,
            status,
            restarts: None,
            last_exit: None,
        }
    }
}
