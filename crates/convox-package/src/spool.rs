//! The spool: an archive in an unlinked temporary file, readable while it still grows.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use tokio::sync::watch;

use super::error::{PackageError, Warning};

/// The largest item of a stream, in bytes.
const CHUNK: usize = 128 << 10;

/// The modification times of an archive's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The files' own times, in whole seconds.
    Own,
    /// One time for all entries, in seconds since 1970: the same files always give the same
    /// archive.
    Fixed(i64),
}

/// A summary of a finished archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The length of the compressed archive in bytes.
    pub length: u64,
    /// The number of entries.
    pub entries: u64,
    /// Warnings for the user, in the order of the archive.
    pub warnings: Vec<Warning>,
}

/// How far the packing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackProgress {
    /// The number of entries found so far.
    pub entries: u64,
    /// The number of bytes read so far, before compression.
    pub bytes: u64,
}

/// The counters behind [`PackProgress`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) entries: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// An archive that is being packed, or is complete.
///
/// It is kept in a temporary file without a name, so nothing is left behind however the program
/// ends. Clones share the archive. Dropping the last clone and the last stream stops the packing.
#[derive(Clone, Debug)]
pub struct Spool {
    file: Arc<SpoolFile>,
    progress: watch::Receiver<Progress>,
    counters: Arc<Counters>,
    _cancel: Arc<CancelOnDrop>,
}

/// The progress of the packing.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) written: u64,
    pub(super) outcome: Option<Result<Packed, PackageError>>,
}

/// The temporary file, and its directory for error messages.
#[derive(Debug)]
pub(super) struct SpoolFile {
    pub(super) file: File,
    pub(super) dir: PathBuf,
}

impl SpoolFile {
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), PackageError> {
        self.file.write_all_at(bytes, offset).map_err(|e| PackageError::spooling(&self.dir, e))
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), PackageError> {
        self.file.read_exact_at(bytes, offset).map_err(|e| PackageError::spooling(&self.dir, e))
    }

    /// The packing threads are gone without an outcome, which would be a bug.
    fn abandoned(&self) -> PackageError {
        PackageError::spooling(&self.dir, std::io::Error::other("packing stopped"))
    }
}

/// Cancels the packing when it is dropped.
pub(super) struct CancelOnDrop(Box<dyn Fn() + Send + Sync>);

impl CancelOnDrop {
    pub(super) fn new(cancel: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Box::new(cancel))
    }
}

impl std::fmt::Debug for CancelOnDrop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CancelOnDrop")
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Spool {
    pub(super) fn new(
        file: Arc<SpoolFile>,
        progress: watch::Receiver<Progress>,
        counters: Arc<Counters>,
        cancel: CancelOnDrop,
    ) -> Self {
        Self { file, progress, counters, _cancel: Arc::new(cancel) }
    }

    /// Returns how far the packing has come, for people to read.
    pub fn progress(&self) -> PackProgress {
        PackProgress {
            entries: self.counters.entries.load(Ordering::Relaxed),
            bytes: self.counters.bytes.load(Ordering::Relaxed),
        }
    }

    /// Returns the number of compressed bytes that can be read so far.
    pub fn packed(&self) -> u64 {
        self.progress.borrow().written
    }

    /// Returns whether the packing has ended, successfully or not.
    pub fn is_finished(&self) -> bool {
        self.progress.borrow().outcome.is_some()
    }

    /// Waits for the end of the packing. Can be called any number of times.
    ///
    /// # Errors
    /// Fails if the packing failed, with the same error each time.
    pub async fn finished(&self) -> Result<Packed, PackageError> {
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|progress| progress.outcome.is_some()).await;
        match ended.as_deref() {
            Ok(Progress { outcome: Some(outcome), .. }) => outcome.clone(),
            _ => Err(self.file.abandoned()),
        }
    }

    /// Streams the archive from its first byte, as fast as it is packed. If the packing fails, the
    /// last item is its error.
    pub fn stream(&self) -> impl Stream<Item = Result<Bytes, PackageError>> + Send + 'static {
        try_unfold((self.clone(), 0), |(mut spool, from)| async move {
            let Some(chunk) = spool.read(from).await? else { return Ok(None) };
            let next = from + chunk.len() as u64;
            Ok(Some((chunk, (spool, next))))
        })
    }

    /// Waits for bytes at this offset and returns them; `None` at the end of the archive.
    async fn read(&mut self, from: u64) -> Result<Option<Bytes>, PackageError> {
        let ready = |progress: &Progress| progress.written > from || progress.outcome.is_some();
        let written = match self.progress.wait_for(ready).await.as_deref() {
            Ok(Progress { outcome: Some(Err(e)), .. }) => return Err(e.clone()),
            Ok(Progress { written, .. }) => *written,
            Err(_) => return Err(self.file.abandoned()),
        };
        let length = usize::try_from(written - from).unwrap_or(CHUNK).min(CHUNK);
        if length == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; length];
        self.file.read_at(&mut chunk, from)?;
        Ok(Some(chunk.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Weak;
    use std::time::{Duration, Instant};

    use futures_util::{StreamExt, TryStreamExt};

    use super::super::error::Role;
    use super::super::{Source, spool};
    use super::*;

    fn spool_file() -> Arc<SpoolFile> {
        let dir = std::env::temp_dir();
        Arc::new(SpoolFile { file: tempfile::tempfile_in(&dir).unwrap(), dir })
    }

    #[tokio::test]
    async fn a_failure_of_the_packing_ends_the_stream_and_the_wait() {
        let (sender, progress) = watch::channel(Progress::default());
        let file = spool_file();
        file.write_at(b"begun", 0).unwrap();
        let spool = Spool::new(file, progress, Arc::default(), CancelOnDrop::new(|| {}));
        let mut stream = pin!(spool.stream());
        sender.send_modify(|progress| progress.written = 5);
        assert_eq!(stream.next().await.unwrap().unwrap(), "begun");
        assert!(!spool.is_finished());
        let changed = PackageError::Changed { path: "file".into(), role: Role::Optional };
        let outcome = Some(Err(changed));
        sender.send_modify(|progress| progress.outcome = outcome);
        assert!(matches!(stream.next().await, Some(Err(PackageError::Changed { .. }))));
        assert!(stream.next().await.is_none());
        assert!(matches!(spool.finished().await, Err(PackageError::Changed { .. })));
    }

    #[tokio::test]
    async fn packing_threads_that_vanish_are_an_error() {
        let (sender, progress) = watch::channel(Progress::default());
        let file = spool_file();
        let spool = Spool::new(file, progress, Arc::default(), CancelOnDrop::new(|| {}));
        drop(sender);
        assert!(spool.finished().await.is_err());
        assert!(spool.stream().try_collect::<Vec<_>>().await.is_err());
    }

    #[tokio::test]
    async fn dropping_the_last_clone_and_the_last_stream_stops_the_packing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("convox.yml"), "").unwrap();
        let endless = File::create(dir.path().join("endless")).unwrap();
        endless.set_len(1 << 42).unwrap(); // days of work
        let source = Source::open(dir.path(), None).unwrap();
        let packing = spool(&source, Times::Own, &std::env::temp_dir()).unwrap();
        let file: Weak<SpoolFile> = Arc::downgrade(&packing.file);
        let mut stream = Box::pin(packing.stream());
        drop(packing);
        stream.next().await.unwrap().unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
        let deadline = Instant::now() + Duration::from_secs(20);
        while file.strong_count() > 0 {
            assert!(Instant::now() < deadline, "the threads are still running");
            std::thread::yield_now();
        }
    }
}
