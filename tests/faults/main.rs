//! Faults between the program and a rack: lost requests and responses, outages, certificates.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests too
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod budget;
mod console;
mod logs;
mod matrix;
mod proxies;
mod sessions;
mod tls;
mod transfers;
mod uploads;

use futures_util::{StreamExt, stream};

/// Does the work of many cells, at most `limit` of them at once. Returns the results as they come.
async fn at_once<R: Send + 'static>(
    limit: usize,
    cells: impl IntoIterator<Item = impl Future<Output = R> + Send + 'static>,
) -> Vec<R> {
    let running = stream::iter(cells).map(tokio::spawn).buffer_unordered(limit);
    running.map(Result::unwrap).collect().await
}
