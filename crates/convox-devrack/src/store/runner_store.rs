use super::{Store, StoreError, all_processes, delete_process, port, put_port, put_process};
use crate::runner::{ProcessRecord, RunnerStore};
use convox_wire::{AppName, ProcessId, ServiceName};

/// The runner's view of the store. Failed writes are ignored: the app keeps running, and the next
/// write that a client waits for reports the same failure.
impl RunnerStore for Store {
    fn gateway_port(&self, app: &AppName, service: &ServiceName) -> Option<u16> {
        self.read(|tx| port(tx, app, service)).ok().flatten()
    }

    fn keep_gateway_port(&self, app: &AppName, service: &ServiceName, port: u16) {
        let _ = self.write_now::<_, StoreError>(|tx| put_port(tx, app, service, port));
    }

    fn keep_process(&self, process: ProcessRecord) {
        let _ = self.write_now::<_, StoreError>(|tx| put_process(tx, &process));
    }

    fn forget_process(&self, id: &ProcessId) {
        let _ = self.write_now::<_, StoreError>(|tx| delete_process(tx, id));
    }

    fn processes(&self) -> Vec<ProcessRecord> {
        self.read(all_processes).unwrap_or_default()
    }
}
