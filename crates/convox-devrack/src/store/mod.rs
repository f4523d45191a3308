//! The rack's persistent state: one redb database.
//!
//! A write is on disk before it is answered, so nothing that was acknowledged is lost when the
//! process is killed. Values are the JSON of the types in [`records`].

mod apps;
mod database;
mod records;
mod runner_store;
mod runtime;
mod salvage;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Key, ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction};

use self::database::DatabaseFile;

pub(crate) use apps::{all_apps, app, delete_app, put_app};
pub(crate) use records::{AppRecord, BuildRecord, ReleaseRecord, Rollout, Stage};
pub(crate) use runtime::{
    all_processes, delete_process, port, put_port, put_process, put_setting, setting, settings,
};
pub(crate) use salvage::finish as finish_salvage;
pub use salvage::{Salvaged, Step, UnknownStep};
pub(crate) use table::{delete, find, newest, put, was_deleted};

/// The version of the tables and records below.
const SCHEMA: u64 = 1;
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// Why the database can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has opened the file.
    #[error("{0}: another development rack is using this directory")]
    InUse(PathBuf),
    /// The file was written by another version of this program.
    #[error("{path} has version {found}, this program supports {known}")]
    Schema {
        /// The database file.
        path: PathBuf,
        /// The version found in it.
        found: u64,
        /// The version that this program reads and writes.
        known: u64,
    },
    /// The file can't be opened.
    #[error("{0}: {1}")]
    Open(PathBuf, #[source] std::io::Error),
    /// The file is not a complete database.
    #[error("{0} is damaged: {1}")]
    Damaged(PathBuf, String),
    /// The database failed while in use.
    #[error("the rack's database failed: {0}")]
    Database(#[from] redb::Error),
    /// A record can't be decoded.
    #[error("the rack's database contains an invalid record: {0}")]
    Record(#[from] serde_json::Error),
    /// The thread of a write was cancelled or panicked.
    #[error("a write to the rack's database was interrupted")]
    Interrupted,
}

macro_rules! from_redb {
    ($($error:ty),+) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(error.into())
            }
        })+
    };
}
from_redb!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);

/// The database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    database: Arc<DatabaseFile>,
}

impl Store {
    /// Opens or creates the database at `path` with all of its tables. Only one process can open
    /// it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let store = Self { database: Arc::new(DatabaseFile::open(path)?) };
        let found = store.create_tables().map_err(|error| match error {
            StoreError::Database(error) => StoreError::Damaged(path.into(), error.to_string()),
            other => other,
        })?;
        if found != SCHEMA {
            return Err(StoreError::Schema { path: path.into(), found, known: SCHEMA });
        }
        Ok(store)
    }

    /// Creates missing tables. Returns the version of the database.
    fn create_tables(&self) -> Result<u64, StoreError> {
        self.write_now(|tx| {
            table::create_tables(tx)?;
            apps::create_tables(tx)?;
            runtime::create_tables(tx)?;
            schema(tx)
        })
    }

    /// Runs `look` on a consistent snapshot.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.database.read(look)
    }

    /// Runs `change` in a transaction, which is durable when this returns. Blocks on the disk.
    pub(crate) fn write_now<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, E>,
    ) -> Result<T, E> {
        self.database.write(change)
    }

    /// Runs [`Store::write_now`] on a blocking thread. Completes even if the caller is dropped.
    pub(crate) async fn write<T, E>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.clone();
        let write = tokio::task::spawn_blocking(move || store.write_now(change));
        write.await.unwrap_or_else(|_| Err(StoreError::Interrupted.into()))
    }
}

fn schema(tx: &WriteTransaction) -> Result<u64, StoreError> {
    let mut meta = tx.open_table(META)?;
    let found = meta.get("schema")?.map(|value| value.value());
    if let Some(found) = found {
        return Ok(found);
    }
    meta.insert("schema", SCHEMA)?;
    Ok(SCHEMA)
}

/// Returns the next number in the order of builds and releases. Numbers are never reused.
pub(crate) fn next_number(tx: &WriteTransaction) -> Result<u64, StoreError> {
    let mut meta = tx.open_table(META)?;
    let number = meta.get("number")?.map_or(0, |value| value.value()) + 1;
    meta.insert("number", number)?;
    Ok(number)
}

/// A transaction that can read, whether or not it can write.
pub(crate) trait ReadTx {
    /// Opens a table for reading.
    fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'_, K, V>,
    ) -> Result<impl ReadableTable<K, V>, StoreError>;
}

impl ReadTx for ReadTransaction {
    fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'_, K, V>,
    ) -> Result<impl ReadableTable<K, V>, StoreError> {
        Ok(self.open_table(table)?)
    }
}

impl ReadTx for WriteTransaction {
    fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'_, K, V>,
    ) -> Result<impl ReadableTable<K, V>, StoreError> {
        Ok(self.open_table(table)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_rack_on_the_same_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rack.redb");
        let first = Store::open(&path).unwrap();
        let second = Store::open(&path).map(|_| ()).unwrap_err();
        assert!(matches!(&second, StoreError::InUse(at) if *at == path), "{second}");
        drop(first);
        Store::open(&path).unwrap();
    }

    #[test]
    fn a_database_of_another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rack.redb");
        let store = Store::open(&path).unwrap();
        let newer = |tx: &WriteTransaction| -> Result<(), StoreError> {
            tx.open_table(META)?.insert("schema", SCHEMA + 1)?;
            Ok(())
        };
        store.write_now(newer).unwrap();
        drop(store);
        let error = Store::open(&path).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Schema { found: 2, known: 1, .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_not_a_database_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rack.redb");
        std::fs::write(&path, "not a database").unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Damaged(..))));
        assert_eq!(std::fs::read(&path).unwrap(), b"not a database");
    }

    #[test]
    fn a_failed_change_is_rolled_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("rack.redb")).unwrap();
        let failed: Result<(), StoreError> = store.write_now(|tx| {
            next_number(tx)?;
            Err(StoreError::Interrupted)
        });
        assert!(failed.is_err());
        assert_eq!(store.write_now(next_number).unwrap(), 1);
        assert_eq!(store.write_now(next_number).unwrap(), 2);
    }
}
