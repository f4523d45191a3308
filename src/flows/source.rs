//! Uploads a packed source.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::time::{Instant, interval, interval_at};

use crate::context::Context;
use crate::error::CommandError;
use crate::event::{Event, Upload as UploadKind};
use convox_client::rack::{Error, Rack};
use convox_client::transport::Upload;
use convox_package::{PackProgress, Spool};
use convox_wire::{AppName, ObjectKey, ObjectUrl};

/// The time between two updates of the progress bar.
const REDRAW: Duration = Duration::from_millis(100);

/// A spool as a request body.
pub(crate) struct Body {
    spool: Spool,
    sent: AtomicU64,
}

impl Body {
    pub(crate) fn new(spool: Spool) -> Arc<Self> {
        Arc::new(Self { spool, sent: AtomicU64::new(0) })
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Upload for Body {
    fn length(&self) -> Option<u64> {
        self.spool.is_finished().then(|| self.spool.packed())
    }

    fn open(&self) -> BoxStream<'static, std::io::Result<Bytes>> {
        self.sent.store(0, Ordering::Relaxed);
        self.spool.stream().map_err(std::io::Error::other).boxed()
    }

    fn sent(&self, bytes: u64) {
        self.sent.store(bytes, Ordering::Relaxed);
    }

    fn complete(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // A packing error also ends the upload.
            drop(self.spool.finished().await);
        })
    }
}

/// Returns a random key, which no other upload chooses.
pub(super) fn new_key() -> Result<ObjectKey, CommandError> {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes)
        .map_err(|error| CommandError::while_doing("the system gives no random numbers", error))?;
    Ok(ObjectKey::temporary(bytes))
}

/// Waits until the source is packed.
pub(crate) async fn packed(cx: &Context, spool: &Spool) -> Result<u64, CommandError> {
    let mut finished = std::pin::pin!(spool.finished());
    let mut redraw = interval_at(Instant::now() + REDRAW, REDRAW);
    let packed = loop {
        tokio::select! {
            packed = &mut finished => break packed?,
            _ = redraw.tick() => {
                let PackProgress { entries, bytes } = spool.progress();
                cx.emit(Event::PackProgress { entries, bytes })?;
            }
        }
    };
    cx.emit(Event::Packaged)?;
    for warning in &packed.warnings {
        cx.warn(warning);
    }
    Ok(packed.length)
}

/// Uploads a source as an object while it is still being packed.
pub(crate) async fn upload(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    spool: &Spool,
) -> Result<ObjectUrl, CommandError> {
    let body = Body::new(spool.clone());
    let key = new_key()?;
    let mut sending = std::pin::pin!(rack.upload(app, &key, body.clone()));
    let mut early = None;
    let total = {
        let mut packing = std::pin::pin!(packed(cx, spool));
        loop {
            tokio::select! {
                biased;
                packed = &mut packing => break packed?,
                sent = &mut sending, if early.is_none() => early = Some(sent?),
            }
        }
    };
    cx.emit(Event::Uploading(UploadKind::Object))?;
    let started = Instant::now();
    let object = match early {
        Some(object) => object,
        None => with_progress(cx, &body, total, sending).await?,
    };
    let took = started.elapsed();
    cx.emit(Event::Uploaded { upload: UploadKind::Object, total, took })?;
    Ok(object.url)
}

/// Waits for `sending`, updating the progress bar meanwhile.
pub(crate) async fn with_progress<T>(
    cx: &Context,
    body: &Body,
    total: u64,
    mut sending: impl Future<Output = Result<T, Error>> + Unpin,
) -> Result<T, CommandError> {
    let mut redraw = interval(REDRAW);
    loop {
        tokio::select! {
            sent = &mut sending => return Ok(sent?),
            _ = redraw.tick() => cx.emit(Event::Progress { sent: body.sent(), total })?,
        }
    }
}
