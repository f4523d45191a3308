//! Tables of builds and releases: lookup by id, listing newest first.
//!
//! One redb table maps numbers to rows, in listing order; a second maps ids to numbers. The id of a
//! deleted row maps to 0, which distinguishes it from an unknown one.

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::{Serialize, de::DeserializeOwned};

use super::{ReadTx, StoreError};
use convox_wire::AppName;

type Rows = TableDefinition<'static, (&'static str, &'static str, u64), &'static [u8]>;
type Ids = TableDefinition<'static, (&'static str, &'static str, &'static str), u64>;

/// Key: table, app, number.
pub(super) const ROWS: Rows = TableDefinition::new("rows");
/// Key: table, app, id.
const IDS: Ids = TableDefinition::new("ids");
const DELETED: u64 = 0;

/// A record that is stored in a table of its own.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The name of the table.
    const TABLE: &'static str;

    /// Returns its app, its id, and the number that orders it.
    fn key(&self) -> (&str, &str, u64);
}

pub(super) fn create_tables(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(ROWS)?;
    tx.open_table(IDS)?;
    Ok(())
}

/// Returns the record with this id; `None` if absent.
pub(crate) fn find<R: Record>(
    tx: &impl ReadTx,
    app: &AppName,
    id: &str,
) -> Result<Option<R>, StoreError> {
    let Some(number) = number::<R>(tx, app, id)? else { return Ok(None) };
    let rows = tx.table(ROWS)?;
    let row = rows.get((R::TABLE, app.as_str(), number))?;
    Ok(row.map(|row| serde_json::from_slice(row.value())).transpose()?)
}

/// Returns whether a record with this id existed and was deleted by garbage collection.
pub(crate) fn was_deleted<R: Record>(
    tx: &impl ReadTx,
    app: &AppName,
    id: &str,
) -> Result<bool, StoreError> {
    Ok(number::<R>(tx, app, id)? == Some(DELETED))
}

fn number<R: Record>(tx: &impl ReadTx, app: &AppName, id: &str) -> Result<Option<u64>, StoreError> {
    let ids = tx.table(IDS)?;
    Ok(ids.get((R::TABLE, app.as_str(), id))?.map(|number| number.value()))
}

/// Returns at most `limit` records of an app, newest first.
pub(crate) fn newest<R: Record>(
    tx: &impl ReadTx,
    app: &AppName,
    limit: usize,
) -> Result<Vec<R>, StoreError> {
    let rows = tx.table(ROWS)?;
    let all = (R::TABLE, app.as_str(), 0)..=(R::TABLE, app.as_str(), u64::MAX);
    let newest = rows.range(all)?.rev().take(limit);
    newest.map(|row| Ok(serde_json::from_slice(row?.1.value())?)).collect()
}

/// Inserts or replaces a record.
pub(crate) fn put<R: Record>(tx: &WriteTransaction, record: &R) -> Result<(), StoreError> {
    let (app, id, number) = record.key();
    let text = serde_json::to_vec(record)?;
    tx.open_table(ROWS)?.insert((R::TABLE, app, number), text.as_slice())?;
    tx.open_table(IDS)?.insert((R::TABLE, app, id), number)?;
    Ok(())
}

/// Deletes a record, keeping its id marked as deleted.
pub(crate) fn delete<R: Record>(tx: &WriteTransaction, record: &R) -> Result<(), StoreError> {
    let (app, id, number) = record.key();
    tx.open_table(ROWS)?.remove((R::TABLE, app, number))?;
    tx.open_table(IDS)?.insert((R::TABLE, app, id), DELETED)?;
    Ok(())
}

/// Removes all records of an app, deletion marks included.
pub(super) fn forget_app(tx: &WriteTransaction, app: &AppName) -> Result<(), StoreError> {
    let ours = |name: &str| name == app.as_str();
    tx.open_table(ROWS)?.retain(|(_, name, _), _| !ours(name))?;
    tx.open_table(IDS)?.retain(|(_, name, _), _| !ours(name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ReleaseRecord, Store};
    use chrono::DateTime;

    fn release(app: &str, id: &str, number: u64) -> ReleaseRecord {
        ReleaseRecord {
            number,
            id: id.parse().unwrap(),
            app: app.parse().unwrap(),
            build: None,
            environment: Default::default(),
            manifest: None,
            description: None,
            failure: None,
            promoted: None,
            created: DateTime::UNIX_EPOCH,
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("rack.redb")).unwrap();
        (dir, store)
    }

    fn ids(store: &Store, app: &str, limit: usize) -> Vec<String> {
        let app = app.parse().unwrap();
        let rows = store.read(|tx| newest::<ReleaseRecord>(tx, &app, limit)).unwrap();
        rows.into_iter().map(|row| row.id.to_string()).collect()
    }

    #[test]
    fn rows_are_listed_newest_first_and_by_app() {
        let (_dir, store) = store();
        let fill = |tx: &WriteTransaction| {
            for number in 1..=300 {
                put(tx, &release("web", &format!("R{number}"), number))?;
            }
            put(tx, &release("web-2", "RB", 301))
        };
        store.write_now::<_, StoreError>(fill).unwrap();
        assert_eq!(ids(&store, "web", 2), ["R300", "R299"]);
        assert_eq!(ids(&store, "web", 1000).len(), 300);
        assert_eq!(ids(&store, "web-2", 5), ["RB"]);
        assert!(ids(&store, "we", 5).is_empty());
    }

    #[test]
    fn a_deleted_row_stays_known_until_its_app_is_deleted() {
        let (_dir, store) = store();
        let web: AppName = "web".parse().unwrap();
        let row = release("web", "RA", 1);
        store.write_now(|tx| put(tx, &row)).unwrap();
        store.write_now(|tx| delete(tx, &row)).unwrap();
        let gone = |tx: &_| find::<ReleaseRecord>(tx, &web, "RA");
        assert!(store.read(gone).unwrap().is_none());
        assert!(store.read(|tx| was_deleted::<ReleaseRecord>(tx, &web, "RA")).unwrap());
        store.write_now(|tx| forget_app(tx, &web)).unwrap();
        assert!(!store.read(|tx| was_deleted::<ReleaseRecord>(tx, &web, "RA")).unwrap());
    }
}
