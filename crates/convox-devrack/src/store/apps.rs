use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::{AppRecord, ReadTx, StoreError, runtime, table};
use convox_wire::AppName;

pub(super) const APPS: TableDefinition<&str, &[u8]> = TableDefinition::new("apps");

pub(super) fn create_tables(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(APPS)?;
    Ok(())
}

/// Returns the app; `None` if absent.
pub(crate) fn app(tx: &impl ReadTx, name: &AppName) -> Result<Option<AppRecord>, StoreError> {
    let apps = tx.table(APPS)?;
    let row = apps.get(name.as_str())?;
    Ok(row.map(|row| serde_json::from_slice(row.value())).transpose()?)
}

/// Returns all apps, sorted by name.
pub(crate) fn all_apps(tx: &impl ReadTx) -> Result<Vec<AppRecord>, StoreError> {
    let apps = tx.table(APPS)?;
    apps.iter()?.map(|row| Ok(serde_json::from_slice(row?.1.value())?)).collect()
}

/// Inserts or replaces an app.
pub(crate) fn put_app(tx: &WriteTransaction, app: &AppRecord) -> Result<(), StoreError> {
    let text = serde_json::to_vec(app)?;
    tx.open_table(APPS)?.insert(app.name.as_str(), text.as_slice())?;
    Ok(())
}

/// Removes an app with all of its records.
pub(crate) fn delete_app(tx: &WriteTransaction, name: &AppName) -> Result<(), StoreError> {
    tx.open_table(APPS)?.remove(name.as_str())?;
    table::forget_app(tx, name)?;
    runtime::forget_app(tx, name)
}
