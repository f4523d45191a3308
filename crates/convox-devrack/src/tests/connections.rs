use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::*;
use crate::{Limits, RackError, serve};

async fn connect(rack: &TestRack) -> TcpStream {
    TcpStream::connect(("127.0.0.1", rack.client.port())).await.unwrap()
}

/// Waits until the rack closes the connection; returns what it sent.
async fn until_closed(mut socket: TcpStream) -> String {
    let mut text = String::new();
    let reading = socket.read_to_string(&mut text);
    // A connection that is closed with data unread is reset.
    let _ = tokio::time::timeout(TEST_TIMEOUT, reading).await.expect("still open");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_request_are_closed_in_time() {
    let data = tempfile::tempdir().unwrap();
    let short = |limits: &mut Limits| limits.headers = Duration::from_millis(200);
    let rack = TestRack::start_with(data.path(), short).await;
    let silent = connect(&rack).await;
    let mut slow = connect(&rack).await;
    slow.write_all(b"GET /check HTTP/1.1\r\nHost: loc").await.unwrap();
    let mut kept = connect(&rack).await;
    kept.write_all(b"GET /check HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    until_closed(silent).await;
    until_closed(slow).await;
    assert!(until_closed(kept).await.ends_with("ok"), "answered, and closed once idle");
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_make_room_for_clients_that_know_the_password() {
    let data = tempfile::tempdir().unwrap();
    let few = |limits: &mut Limits| limits.strangers = 4;
    let rack = TestRack::start_with(data.path(), few).await;
    rack.client.create("web").await;
    let mut follower = rack.client.open("/apps/web/logs", &[]).await;
    let first = connect(&rack).await;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(connect(&rack).await);
        assert_eq!(rack.client.get("/apps/web").await["name"], "web");
    }
    until_closed(first).await;
    rack.stop().await;
    let received = read_until(&mut follower, |_| false).await;
    assert_eq!(received.closed, Some(1012), "a client of before is not closed by strangers");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_password_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let mut options = options(data.path(), Limits::default());
    options.password = SecretString::from("");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let served = serve(listener, options, std::future::ready(())).await;
    assert!(matches!(served, Err(RackError::NoPassword)), "{served:?}");
}
