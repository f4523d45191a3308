//! The database file: created atomically, checked when it is opened, and opened again after an I/O
//! error, since redb refuses all operations from the first one on.

use std::cell::Cell;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageError, WriteTransaction,
};

use super::StoreError;
use crate::{directories, removal};

type Opener = Box<dyn Fn() -> Result<Database, StoreError> + Send + Sync>;

/// The database, which may be closed after a failure.
pub(super) struct DatabaseFile {
    open: Opener,
    database: RwLock<Option<Database>>,
}

impl DatabaseFile {
    /// Opens the file at `path`, or creates it if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            create(path).map_err(|error| StoreError::Open(path.into(), error))?;
        }
        let path = path.to_owned();
        Self::with(Box::new(move || open(&path)))
    }

    pub(super) fn with(open: Opener) -> Result<Self, StoreError> {
        let database = RwLock::new(Some(open()?));
        Ok(Self { open, database })
    }

    /// Runs `look` in a read transaction.
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let result = self.with_database(|database| look(&database.begin_read()?));
        if let Err(StoreError::Database(redb::Error::PreviousIo)) = &result {
            self.reopen()?;
        }
        result
    }

    /// Runs `change` in a write transaction and commits it.
    pub(super) fn write<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut change = Some(change);
        let (failed_before, commit_failed) = (Cell::new(false), Cell::new(false));
        let mut run = |database: &Database| -> Result<T, E> {
            let tx = database.begin_write().map_err(StoreError::from).inspect_err(|error| {
                failed_before.set(matches!(error, StoreError::Database(redb::Error::PreviousIo)));
            })?;
            let change = change.take().ok_or(StoreError::Interrupted)?;
            let value = change(&tx)?;
            tx.commit().map_err(StoreError::from).inspect_err(|_| commit_failed.set(true))?;
            Ok(value)
        };
        let mut result = self.with_database(&mut run);
        if failed_before.get() {
            self.reopen()?;
            result = self.with_database(&mut run);
        }
        if commit_failed.get() {
            // The error of the commit is the one to report.
            let _ = self.reopen();
        }
        result
    }

    fn with_database<T, E: From<StoreError>>(
        &self,
        run: impl FnOnce(&Database) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut guard = self.lock();
        if guard.is_none() {
            drop(guard);
            self.reopen()?;
            guard = self.lock();
        }
        match &*guard {
            Some(database) => run(database),
            None => Err(StoreError::Interrupted.into()),
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Closed first: the file can only be opened once.
        *database = None;
        *database = Some((self.open)()?);
        Ok(())
    }

    fn lock(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> Result<Database, StoreError> {
    let about = fs::metadata(path).map_err(|error| StoreError::Open(path.into(), error))?;
    if about.len() == 0 {
        return Err(StoreError::Damaged(path.into(), "it is empty".to_owned()));
    }
    // Without the check, redb trusts the file, and panics if it is damaged.
    let opened = Database::builder().set_check_integrity_on_open(true).open(path);
    opened.map_err(|error| open_error(path, error))
}

fn open_error(path: &Path, error: DatabaseError) -> StoreError {
    let path = PathBuf::from(path);
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path),
        DatabaseError::Storage(StorageError::Io(error)) => match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput => {
                StoreError::Damaged(path, error.to_string())
            }
            _ => StoreError::Open(path, error),
        },
        other => StoreError::Damaged(path, other.to_string()),
    }
}

/// Creates an empty database under another name first, so that a file named `path` is always
/// complete. It will contain environments, so only its owner may read it.
fn create(path: &Path) -> io::Result<()> {
    let new = path.with_extension("redb.new");
    removal::remove(&new)?;
    fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
    let database = Database::create(&new).map_err(io::Error::other)?;
    database.close().map_err(io::Error::other)?;
    fs::rename(&new, path)?;
    directories::sync(path.parent().unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, next_number};
    use redb::backends::FileBackend;
    use redb::{StorageBackend, WriteTransaction};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    /// A disk that can be full.
    #[derive(Debug)]
    struct Disk {
        file: FileBackend,
        full: Arc<AtomicBool>,
    }

    impl Disk {
        fn check(&self) -> io::Result<()> {
            match self.full.load(SeqCst) {
                true => Err(ErrorKind::StorageFull.into()),
                false => Ok(()),
            }
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.check().and_then(|()| self.file.set_len(len))
        }

        fn sync_data(&self) -> io::Result<()> {
            self.check().and_then(|()| self.file.sync_data())
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.check().and_then(|()| self.file.write(offset, data))
        }

        fn close(&self) -> io::Result<()> {
            self.file.close()
        }
    }

    #[test]
    fn writes_work_again_once_a_full_disk_has_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rack.redb");
        let full = Arc::new(AtomicBool::new(false));
        create(&path).unwrap();
        let disk = full.clone();
        let opener = move || {
            let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
            let file = FileBackend::new(file).unwrap();
            let backend = Disk { file, full: disk.clone() };
            let opened = Database::builder().create_with_backend(backend);
            opened.map_err(|error| open_error(Path::new("rack.redb"), error))
        };
        let database = DatabaseFile::with(Box::new(opener)).unwrap();
        let store = Store { database: Arc::new(database) };
        store.create_tables().unwrap();
        let next = || store.write_now(next_number);
        assert_eq!(next().unwrap(), 1);
        for _ in 0..3 {
            full.store(true, SeqCst);
            assert!(next().is_err());
            assert!(next().is_err());
            full.store(false, SeqCst);
            assert!(store.read(crate::store::all_apps).is_ok());
            next().unwrap();
        }
        assert_eq!(next().unwrap(), 5, "failed writes have changed nothing");
    }

    fn filled(path: &Path) {
        let store = Store::open(path).unwrap();
        for number in 0..50 {
            let put = |tx: &WriteTransaction| -> Result<(), StoreError> {
                let app = "web".parse().unwrap();
                crate::store::put_setting(tx, &app, &format!("s{number}"), &"x".repeat(2000))
            };
            store.write_now(put).unwrap();
        }
    }

    /// Opens a damaged file; the error, if it is one, names the file.
    fn is_refused(path: &Path, bytes: &[u8], how: &str) -> bool {
        fs::write(path, bytes).unwrap();
        let opened = std::panic::catch_unwind(|| Store::open(path).map(drop));
        let opened = opened.unwrap_or_else(|_| panic!("{how}: a panic"));
        if let Err(error) = &opened {
            assert!(error.to_string().starts_with(&path.display().to_string()), "{how}: {error}");
        }
        opened.is_err()
    }

    #[test]
    fn a_damaged_database_is_an_error_that_names_the_file_and_never_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rack.redb");
        filled(&path);
        let whole = fs::read(&path).unwrap();
        for length in [0, 1, 9, 320, 4095, 4096, whole.len() / 2, whole.len() - 1] {
            assert!(is_refused(&path, &whole[..length], &format!("{length} bytes")));
        }
        assert_eq!(fs::metadata(&path).unwrap().len(), whole.len() as u64 - 1, "kept as it is");
        let step = whole.len() / 97;
        let mut refused = 0;
        for at in (0..whole.len() - 64).step_by(step) {
            let mut damaged = whole.clone();
            damaged[at..at + 64].iter_mut().for_each(|byte| *byte ^= 0xa5);
            refused += usize::from(is_refused(&path, &damaged, &format!("damage at {at}")));
        }
        assert!(refused > 0, "no damage was noticed");
        assert!(!is_refused(&path, &whole, "the whole file"));
    }

    #[test]
    fn a_creation_that_was_interrupted_is_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rack.redb");
        fs::write(dir.path().join("rack.redb.new"), "half").unwrap();
        Store::open(&path).unwrap();
        assert_eq!(directories::file_names(dir.path()), ["rack.redb"]);
    }
}
