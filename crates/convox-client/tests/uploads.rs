//! Uploads that fail: how long they are repeated, and what the error says.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use convox_client::rack::Rack;
use convox_client::transport::{Error, Upload};
use convox_client::wire::ObjectKey;
use convox_client::{Limits, Options, Refusal};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt, once};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A body whose length is unknown until it is complete.
struct Growing(AtomicBool);

const BODY: &[u8] = b"the source";

impl Upload for Growing {
    fn length(&self) -> Option<u64> {
        self.0.load(Ordering::SeqCst).then_some(BODY.len() as u64)
    }

    fn open(&self) -> BoxStream<'static, std::io::Result<Bytes>> {
        once(std::future::ready(Ok(Bytes::from_static(BODY)))).boxed()
    }

    fn complete(&self) -> BoxFuture<'_, ()> {
        self.0.store(true, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}

/// A server that reads the head of each request, sends `response` and closes the connection.
async fn server(response: &'static str) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let requests = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            requests.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(respond(stream, response));
        }
    });
    (address, count)
}

async fn respond(mut stream: TcpStream, response: &str) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    if !response.is_empty() {
        // The body, so that closing the connection does not reset it.
        let _ = tokio::time::timeout(Duration::from_millis(50), stream.read_buf(&mut head)).await;
        let _ = stream.write_all(response.as_bytes()).await;
    }
}

async fn upload(address: SocketAddr, retry: Duration, body: Arc<dyn Upload>) -> Error {
    let limits = Limits { retry, ..Limits::default() };
    let url = format!("http://convox:pw@{address}").parse().unwrap();
    let rack = Rack::connect_with(&url, Options { limits, ..Options::default() });
    let key = ObjectKey::temporary([7; 15]);
    rack.upload(&"web".parse().unwrap(), &key, body).await.unwrap_err()
}

fn growing() -> Arc<Growing> {
    Arc::new(Growing(AtomicBool::new(false)))
}

#[tokio::test]
async fn an_upload_that_is_cut_every_time_spends_the_retry_budget_once() {
    let (address, requests) = server("").await;
    let (retry, started) = (Duration::from_secs(1), Instant::now());
    let error = upload(address, retry, growing()).await;
    let took = started.elapsed();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(requests.load(Ordering::SeqCst) > 2);
    assert!(took >= retry && took < retry * 3 / 2, "{took:?}");
}

#[tokio::test]
async fn without_a_retry_budget_a_growing_upload_is_repeated_once_with_its_length() {
    let (address, requests) = server("").await;
    upload(address, Duration::ZERO, growing()).await;
    assert_eq!(requests.load(Ordering::SeqCst), 2);
    let (address, requests) = server("").await;
    upload(address, Duration::ZERO, Arc::new(Bytes::from_static(BODY))).await;
    assert_eq!(requests.load(Ordering::SeqCst), 1, "the length was known");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_reported_with_its_size_and_the_server() {
    let page = "HTTP/1.1 413 Too Large\r\nserver: nginx/1.27\r\ncontent-type: text/html\r\n\
                content-length: 24\r\nconnection: close\r\n\r\n<center>too big</center>";
    let (address, requests) = server(page).await;
    let error = upload(address, Duration::from_secs(5), growing()).await;
    assert_eq!(requests.load(Ordering::SeqCst), 2, "once more, with its length");
    assert_eq!(error.to_string(), "the request body is too large (response status 413)");
    assert_eq!((error.status(), error.refusal()), (Some(413), Some(Refusal::TooLarge)));
    let Error::TooLarge { size, server, .. } = error else { panic!("{error:?}") };
    assert_eq!((size, server.as_deref()), (Some(BODY.len() as u64), Some("nginx/1.27")));
}
