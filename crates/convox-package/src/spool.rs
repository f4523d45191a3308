//! The spool: the archive in an unlinked temporary file, readable while it still grows.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use tokio::sync::watch;

use super::error::{PackageError, Warning};

/// How much one item of a stream holds at most.
const CHUNK: usize = 128 << 10;

/// The modification times of an archive's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Those of the files, in whole seconds.
    Own,
    /// This one for all (seconds since 1970): the same files always give the same archive.
    Fixed(i64),
}

/// What a finished archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Bytes of the compressed archive.
    pub length: u64,
    /// Entries in it.
    pub entries: u64,
    /// What the user may want to know about it, in the order of the archive.
    pub warnings: Vec<Warning>,
}

/// An archive in the making, or made. It lives in a temporary file without a name, so nothing
/// is left behind however the program ends. Clones share it; when the last clone and the last
/// stream are gone, a packing that still runs stops.
#[derive(Clone, Debug)]
pub struct Spool {
    file: Arc<File>,
    progress: watch::Receiver<Progress>,
    _interest: Arc<Interest>,
}

/// How far the packing has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) written: u64,
    pub(super) outcome: Option<Result<Packed, PackageError>>,
}

/// Somebody wants the archive; runs a last word when nobody does any more.
pub(super) struct Interest(Box<dyn Fn() + Send + Sync>);

impl Interest {
    pub(super) fn new(lost: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Box::new(lost))
    }
}

impl std::fmt::Debug for Interest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interest")
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Spool {
    pub(super) fn new(
        file: Arc<File>,
        progress: watch::Receiver<Progress>,
        interest: Interest,
    ) -> Self {
        Self { file, progress, _interest: Arc::new(interest) }
    }

    /// Compressed bytes that can be read already.
    pub fn packed(&self) -> u64 {
        self.progress.borrow().written
    }

    /// Has the packing ended, well or not?
    pub fn is_finished(&self) -> bool {
        self.progress.borrow().outcome.is_some()
    }

    /// Waits for the end of the packing; may be asked any number of times.
    ///
    /// # Errors
    /// Whatever ended the packing before its time.
    pub async fn finished(&self) -> Result<Packed, PackageError> {
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|progress| progress.outcome.is_some()).await;
        match ended.as_deref() {
            Ok(Progress { outcome: Some(outcome), .. }) => outcome.clone(),
            _ => Err(abandoned()),
        }
    }

    /// The archive from its first byte, at the pace at which it is packed. Ends after the last
    /// byte; an error of the packing comes as the last item.
    pub fn stream(&self) -> impl Stream<Item = Result<Bytes, PackageError>> + Send + 'static {
        try_unfold((self.clone(), 0), |(mut spool, from)| async move {
            let Some(chunk) = spool.read(from).await? else { return Ok(None) };
            let next = from + chunk.len() as u64;
            Ok(Some((chunk, (spool, next))))
        })
    }

    /// The next bytes from this offset, once there are any; `None` at the end.
    async fn read(&mut self, from: u64) -> Result<Option<Bytes>, PackageError> {
        let ready = |progress: &Progress| progress.written > from || progress.outcome.is_some();
        let written = match self.progress.wait_for(ready).await.as_deref() {
            Ok(Progress { outcome: Some(Err(e)), .. }) => return Err(e.clone()),
            Ok(Progress { written, .. }) => *written,
            Err(_) => return Err(abandoned()),
        };
        let length = usize::try_from(written - from).unwrap_or(CHUNK).min(CHUNK);
        if length == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; length];
        self.file.read_exact_at(&mut chunk, from).map_err(PackageError::spooling)?;
        Ok(Some(chunk.into()))
    }
}

/// The packing threads went away without a word; they never do unless they crash.
fn abandoned() -> PackageError {
    PackageError::spooling(std::io::Error::other("packing stopped"))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Weak;
    use std::time::{Duration, Instant};

    use futures_util::{StreamExt, TryStreamExt};

    use super::super::{Source, spool};
    use super::*;

    #[tokio::test]
    async fn an_error_of_the_packing_ends_the_stream_and_the_wait() {
        let (tell, progress) = watch::channel(Progress::default());
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.write_all_at(b"begun", 0).unwrap();
        let spool = Spool::new(file, progress, Interest::new(|| {}));
        let mut stream = pin!(spool.stream());
        tell.send_modify(|progress| progress.written = 5);
        assert_eq!(stream.next().await.unwrap().unwrap(), "begun");
        assert!(!spool.is_finished());
        let outcome = Some(Err(PackageError::Changed("file".into())));
        tell.send_modify(|progress| progress.outcome = outcome);
        assert!(matches!(stream.next().await, Some(Err(PackageError::Changed(_)))));
        assert!(stream.next().await.is_none());
        assert!(matches!(spool.finished().await, Err(PackageError::Changed(_))));
    }

    #[tokio::test]
    async fn packing_that_goes_away_is_an_error() {
        let (tell, progress) = watch::channel(Progress::default());
        let file = Arc::new(tempfile::tempfile().unwrap());
        let spool = Spool::new(file, progress, Interest::new(|| {}));
        drop(tell);
        assert!(spool.finished().await.is_err());
        assert!(spool.stream().try_collect::<Vec<_>>().await.is_err());
    }

    #[tokio::test]
    async fn the_last_clone_or_stream_that_is_dropped_stops_the_packing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("convox.yml"), "").unwrap();
        let endless = File::create(dir.path().join("endless")).unwrap();
        endless.set_len(1 << 42).unwrap(); // days of work
        let source = Source::open(dir.path(), None).unwrap();
        let packing = spool(&source, Times::Own).unwrap();
        let file: Weak<File> = Arc::downgrade(&packing.file);
        let mut stream = Box::pin(packing.stream());
        drop(packing);
        stream.next().await.unwrap().unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
        let patience = Instant::now() + Duration::from_secs(20);
        while file.strong_count() > 0 {
            assert!(Instant::now() < patience, "the threads go on");
            std::thread::yield_now();
        }
    }
}
