//! Bodies that are streamed: where the bytes come from, and how far they have gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use tokio::time::Instant;

/// A body that can be read as often as needed, each time from its start.
pub trait Upload: Send + Sync {
    /// Its length in bytes; `None` while it is still growing.
    fn length(&self) -> Option<u64>;

    /// Reads it from the start. An error ends the request without completing the body.
    fn open(&self) -> BoxStream<'static, std::io::Result<Bytes>>;

    /// Called as bytes leave: how many have gone in this attempt.
    fn sent(&self, _bytes: u64) {}

    /// Waits until the length is known, or growing has failed.
    fn complete(&self) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Bytes that are all there.
impl Upload for Bytes {
    fn length(&self) -> Option<u64> {
        Some(self.len() as u64)
    }

    fn open(&self) -> BoxStream<'static, std::io::Result<Bytes>> {
        futures_util::stream::once(std::future::ready(Ok(self.clone()))).boxed()
    }
}

/// What the sender of a body knows about one attempt.
#[derive(Debug)]
pub(super) struct UploadMonitor {
    started: Instant,
    /// Milliseconds after `started` when bytes last moved.
    moved: AtomicU64,
    /// The connection is ready and the source is not: no reason to call it stalled.
    starved: AtomicBool,
    done: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl UploadMonitor {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            moved: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            done: AtomicBool::new(false),
            failure: Mutex::new(None),
        })
    }

    fn touch(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(elapsed, Ordering::Relaxed);
    }

    /// Why the source failed, if it did.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the last byte gone?
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Ends when the body has made no progress for `stall`, or, after its end, the answer has not
    /// come for `answer`. Says which of the two.
    pub(super) async fn give_up(&self, stall: Duration, answer: Duration) -> TimeoutPhase {
        loop {
            if self.starved.load(Ordering::Relaxed) {
                self.touch();
            }
            let moved = self.started + Duration::from_millis(self.moved.load(Ordering::Relaxed));
            let limit = if self.is_done() { answer } else { stall };
            let left = (moved + limit).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return if self.is_done() {
                    TimeoutPhase::ForAnswer
                } else {
                    TimeoutPhase::ForBody
                };
            }
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
    }

    /// `upload`'s bytes, watched.
    pub(super) fn watch(
        self: Arc<Self>,
        upload: Arc<dyn Upload>,
    ) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let mut source = upload.open();
        let mut sent = 0;
        futures_util::stream::poll_fn(move |context| {
            let polled = source.poll_next_unpin(context);
            self.starved.store(polled.is_pending(), Ordering::Relaxed);
            match &polled {
                Poll::Ready(Some(Ok(bytes))) => {
                    sent += bytes.len() as u64;
                    upload.sent(sent);
                    // A body of known length is not asked for its end.
                    self.done.store(upload.length() == Some(sent), Ordering::Relaxed);
                }
                Poll::Ready(Some(Err(error))) => {
                    let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    *failure = Some(error.to_string());
                }
                Poll::Ready(None) => self.done.store(true, Ordering::Relaxed),
                Poll::Pending => return polled,
            }
            self.touch();
            polled
        })
    }
}

/// What a request was waiting for when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeoutPhase {
    ForBody,
    ForAnswer,
}
