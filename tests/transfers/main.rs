//! Large bodies and many connections need little memory. A process of its own, since the peak of
//! memory is that of the whole process: the client and the development rack together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests too
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

use std::pin::Pin;
use std::task::{Context, Poll};

use convox_client::RackUrl;
use convox_client::rack::{Client, Endpoint, Options, Rack};
use convox_client::transport::ReaderUpload;
use convox_wire::{AppName, ObjectKey};
use support::Story;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// The size of the body: far more than what memory may grow by.
const SIZE: u64 = 64 << 20;
/// How much memory may grow, in kB.
const MAX_GROWTH: u64 = 32 << 10;

/// The peak of this process's memory in kB, if the system says so (proc(5), `VmHWM`).
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Bytes that differ from place to place, so that nothing lost or moved goes unnoticed.
struct Numbers(u64);

impl AsyncRead for Numbers {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while buffer.remaining() >= 8 {
            buffer.put_slice(&self.0.to_le_bytes());
            self.0 += 1;
        }
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_body_of_any_size_goes_both_ways_at_flat_memory() {
    let story = Story::new("web");
    story.run("convox apps create web").ok();
    let url: RackUrl = story.rack().url().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let before = peak();
    runtime.block_on(async {
        let mut endpoint = Endpoint::new(url.base().parse().unwrap());
        endpoint.password = url.credentials().map(|credentials| credentials.password.clone());
        let rack = Rack::new(Client::new(endpoint, Options::default()));
        let app: AppName = "web".parse().unwrap();
        let key = ObjectKey::temporary([7; 15]);
        let upload = ReaderUpload::new(Numbers(0).take(SIZE));
        rack.upload(&app, &key, upload.clone()).await.unwrap();
        assert_eq!(upload.sent_bytes(), SIZE);

        let mut download = rack.download_object(&app, &key).await.unwrap();
        assert_eq!(download.length(), Some(SIZE));
        let (mut next, mut rest) = (0_u64, Vec::new());
        while let Some(piece) = download.next().await.unwrap() {
            rest.extend_from_slice(&piece);
            let whole = rest.len() / 8 * 8;
            for number in rest.drain(..whole).as_slice().chunks(8) {
                assert_eq!(u64::from_le_bytes(number.try_into().unwrap()), next);
                next += 1;
            }
        }
        assert_eq!(next * 8, SIZE);
    });
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < MAX_GROWTH, "memory grew from {before} to {after} kB");
    }
}
