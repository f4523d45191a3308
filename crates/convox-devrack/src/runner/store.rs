//! What the runner asks to be remembered beyond its own life.

use convox_wire::{AppName, ProcessId, ServiceName};

/// The memory of the runner; the rack's store implements it. Calls are short and may block for
/// the length of a commit.
pub trait RunnerStore: Send + Sync + 'static {
    /// The port that a service's stable address had last.
    fn gateway_port(&self, app: &AppName, service: &ServiceName) -> Option<u16>;
    /// Remembers the port of a service's stable address.
    fn keep_gateway_port(&self, app: &AppName, service: &ServiceName, port: u16);
    /// Remembers a process that was started.
    fn keep_process(&self, process: ProcessRecord);
    /// Forgets a process that has ended.
    fn forget_process(&self, id: &ProcessId);
    /// The processes kept and not forgotten: those that a killed rack left behind.
    fn processes(&self) -> Vec<ProcessRecord>;
}

/// A process as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProcessRecord {
    /// The id of the leader of its process group.
    pub pid: i32,
    /// When the leader started, in the system's words; tells it from a later one of the same pid.
    pub started_at: String,
    /// Its app.
    pub app: AppName,
    /// Its service.
    pub service: ServiceName,
    /// Its id at the rack.
    pub id: ProcessId,
}
