//! Runtime state of apps: gateway ports, processes and settings.

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::{ReadTx, StoreError};
use crate::runner::ProcessRecord;
use convox_wire::{AppName, ProcessId, ServiceName};

/// Key: app, service.
pub(super) const PORTS: TableDefinition<(&str, &str), u16> = TableDefinition::new("ports");
/// Key: process id.
const PROCESSES: TableDefinition<&str, &[u8]> = TableDefinition::new("processes");
/// Key: app, name.
pub(super) const SETTINGS: TableDefinition<(&str, &str), &str> = TableDefinition::new("settings");

pub(super) fn create_tables(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(PORTS)?;
    tx.open_table(PROCESSES)?;
    tx.open_table(SETTINGS)?;
    Ok(())
}

/// Returns the stored gateway port of a service.
pub(crate) fn port(
    tx: &impl ReadTx,
    app: &AppName,
    service: &ServiceName,
) -> Result<Option<u16>, StoreError> {
    Ok(tx.table(PORTS)?.get((app.as_str(), service.as_str()))?.map(|port| port.value()))
}

/// Stores the gateway port of a service.
pub(crate) fn put_port(
    tx: &WriteTransaction,
    app: &AppName,
    service: &ServiceName,
    port: u16,
) -> Result<(), StoreError> {
    tx.open_table(PORTS)?.insert((app.as_str(), service.as_str()), port)?;
    Ok(())
}

/// Stores a started process.
pub(crate) fn put_process(tx: &WriteTransaction, row: &ProcessRecord) -> Result<(), StoreError> {
    let text = serde_json::to_vec(row)?;
    tx.open_table(PROCESSES)?.insert(row.id.as_str(), text.as_slice())?;
    Ok(())
}

/// Removes a process.
pub(crate) fn delete_process(tx: &WriteTransaction, id: &ProcessId) -> Result<(), StoreError> {
    tx.open_table(PROCESSES)?.remove(id.as_str())?;
    Ok(())
}

/// Returns all stored processes.
pub(crate) fn all_processes(tx: &impl ReadTx) -> Result<Vec<ProcessRecord>, StoreError> {
    let processes = tx.table(PROCESSES)?;
    processes.iter()?.map(|row| Ok(serde_json::from_slice(row?.1.value())?)).collect()
}

/// Returns a setting of an app.
pub(crate) fn setting(
    tx: &impl ReadTx,
    app: &AppName,
    name: &str,
) -> Result<Option<String>, StoreError> {
    let settings = tx.table(SETTINGS)?;
    Ok(settings.get((app.as_str(), name))?.map(|value| value.value().to_owned()))
}

/// Returns all settings of an app, sorted by name.
pub(crate) fn settings(
    tx: &impl ReadTx,
    app: &AppName,
) -> Result<Vec<(String, String)>, StoreError> {
    let settings = tx.table(SETTINGS)?;
    let mut found = Vec::new();
    for row in settings.range((app.as_str(), "")..)? {
        let (key, value) = row?;
        let (name, setting) = key.value();
        if name != app.as_str() {
            break;
        }
        found.push((setting.to_owned(), value.value().to_owned()));
    }
    Ok(found)
}

/// Stores a setting of an app.
pub(crate) fn put_setting(
    tx: &WriteTransaction,
    app: &AppName,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    tx.open_table(SETTINGS)?.insert((app.as_str(), name), value)?;
    Ok(())
}

/// Removes an app's ports and settings. Its processes are removed as they end.
pub(super) fn forget_app(tx: &WriteTransaction, app: &AppName) -> Result<(), StoreError> {
    tx.open_table(PORTS)?.retain(|(name, _), _| name != app.as_str())?;
    tx.open_table(SETTINGS)?.retain(|(name, _), _| name != app.as_str())?;
    Ok(())
}
