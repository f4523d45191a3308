//! The runner's persistent state.

use convox_wire::{AppName, ProcessId, ServiceName};

/// Stores what must outlive the runner; implemented by the rack's database. Calls block for at most
/// one commit.
pub trait RunnerStore: Send + Sync + 'static {
    /// Returns the last port of a service's stable address.
    fn gateway_port(&self, app: &AppName, service: &ServiceName) -> Option<u16>;
    /// Stores the port of a service's stable address.
    fn keep_gateway_port(&self, app: &AppName, service: &ServiceName, port: u16);
    /// Stores a started process.
    fn keep_process(&self, process: ProcessRecord);
    /// Deletes a process that has ended.
    fn forget_process(&self, id: &ProcessId);
    /// Returns the stored processes. At start these are the orphans of a killed rack.
    fn processes(&self) -> Vec<ProcessRecord>;
}

/// A stored process.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProcessRecord {
    /// The id of the leader of its process group.
    pub pid: i32,
    /// The start time of the leader, in a system-specific form; tells it from later processes with
    /// the same pid.
    pub started_at: String,
    /// The app.
    pub app: AppName,
    /// The service.
    pub service: ServiceName,
    /// The id that clients see.
    pub id: ProcessId,
}
