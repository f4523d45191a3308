//! Streamed request bodies, and the progress of sending them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use tokio::time::Instant;

/// A body that can be read any number of times, each time from its start, unless it says otherwise.
pub trait Upload: Send + Sync {
    /// Its length in bytes; `None` while it is still growing.
    fn length(&self) -> Option<u64>;

    /// Reads it from the start. An error ends the request without completing the body.
    fn open(&self) -> BoxStream<'static, io::Result<Bytes>>;

    /// Returns whether it can be sent again once some of it was read.
    fn is_replayable(&self) -> bool {
        true
    }

    /// Called as bytes leave, with the number sent in this attempt.
    fn sent(&self, _bytes: u64) {}

    /// Waits until the length is known, or growing has failed.
    fn complete(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Upload for Bytes {
    fn length(&self) -> Option<u64> {
        Some(self.len() as u64)
    }

    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        futures_util::stream::once(std::future::ready(Ok(self.clone()))).boxed()
    }
}

/// Watches one attempt to send a body.
#[derive(Debug)]
pub(super) struct UploadMonitor {
    started: Instant,
    /// Milliseconds from `started` to the last time that bytes moved.
    last_progress: AtomicU64,
    /// The connection waits for the body's source, which must not count as a stalled connection.
    source_pending: AtomicBool,
    done: AtomicBool,
    failure: Mutex<Option<Arc<io::Error>>>,
}

/// What a request was waiting for when its time limit passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeoutPhase {
    SendingBody,
    AwaitingResponse,
}

impl UploadMonitor {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            last_progress: AtomicU64::new(0),
            source_pending: AtomicBool::new(false),
            done: AtomicBool::new(false),
            failure: Mutex::new(None),
        })
    }

    fn touch(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_progress.store(elapsed, Ordering::Relaxed);
    }

    /// The error of the body's source, if it failed.
    pub(super) fn failure(&self) -> Option<Arc<io::Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the last byte has been handed to the connection.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Returns once the body has made no progress for `stall`, or, after its end, no response has
    /// come for `response`.
    pub(super) async fn timed_out(&self, stall: Duration, response: Duration) -> TimeoutPhase {
        loop {
            if self.source_pending.load(Ordering::Relaxed) {
                self.touch();
            }
            let last_progress = Duration::from_millis(self.last_progress.load(Ordering::Relaxed));
            let (limit, phase) = match self.is_done() {
                true => (response, TimeoutPhase::AwaitingResponse),
                false => (stall, TimeoutPhase::SendingBody),
            };
            let deadline = self.started + last_progress + limit;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return phase;
            }
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
    }

    /// Reads `upload`, noting its progress.
    pub(super) fn watch(
        self: Arc<Self>,
        upload: Arc<dyn Upload>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let mut source = upload.open();
        let mut sent = 0;
        futures_util::stream::poll_fn(move |context| {
            let polled = source.poll_next_unpin(context);
            self.source_pending.store(polled.is_pending(), Ordering::Relaxed);
            let polled = match polled {
                Poll::Ready(Some(Ok(bytes))) => {
                    sent += bytes.len() as u64;
                    upload.sent(sent);
                    // The stream of a body of known length is not polled for its end.
                    self.done.store(upload.length() == Some(sent), Ordering::Relaxed);
                    Poll::Ready(Some(Ok(bytes)))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(self.fail(error)))),
                Poll::Ready(None) => {
                    self.done.store(true, Ordering::Relaxed);
                    Poll::Ready(None)
                }
                Poll::Pending => return Poll::Pending,
            };
            self.touch();
            polled
        })
    }

    /// Keeps the error of the source; the connection gets another one that ends it.
    fn fail(&self, error: io::Error) -> io::Error {
        let stand_in = io::Error::new(error.kind(), error.to_string());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(error));
        stand_in
    }
}
