//! Requests that are refused before their body was read.
//!
//! A client that is still sending might not see the refusal: closing a connection with unread data
//! resets it. So a part of the rest of a body is read, and thrown away, before a refusal is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// The most of a refused body that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// The longest time that is spent on that.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The middleware that reads the rest of refused bodies.
pub(crate) async fn refused_bodies(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let waits = waits_to_send(&request);
    let (parts, body) = request.into_parts();
    let shared = Arc::new(Mutex::new(body.into_data_stream()));
    let is_wanted = Arc::new(AtomicBool::new(false));
    let body = part_of(shared.clone(), is_wanted.clone());
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let is_sending = !waits || is_wanted.load(Ordering::Relaxed);
    if is_sending && (status.is_client_error() || status.is_server_error()) {
        // What is not read by then is not waited for.
        let _ = timeout(MAX_TIME, drain(&shared, MAX_BYTES)).await;
    }
    response
}

/// Returns whether the client sends the body only when it is asked to, which is when the body is
/// first read (RFC 9110, 10.1.1).
fn waits_to_send(request: &Request) -> bool {
    let expected = request.headers().get(header::EXPECT);
    expected.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body whose rest remains when it is dropped. `is_wanted` becomes true when it is read.
fn part_of(shared: Arc<Mutex<BodyDataStream>>, is_wanted: Arc<AtomicBool>) -> Body {
    Body::from_stream(futures_util::stream::unfold(shared, move |shared| {
        is_wanted.store(true, Ordering::Relaxed);
        next_piece(shared)
    }))
}

async fn next_piece(
    shared: Arc<Mutex<BodyDataStream>>,
) -> Option<(Result<Bytes, axum::Error>, Arc<Mutex<BodyDataStream>>)> {
    let piece = shared.lock().await.next().await;
    piece.map(|piece| (piece, shared))
}

async fn drain(shared: &Mutex<BodyDataStream>, max: usize) {
    let mut read = 0;
    while read < max {
        match shared.lock().await.next().await {
            Some(Ok(piece)) => read += piece.len(),
            Some(Err(_)) | None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::http;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::atomic::AtomicUsize;

    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::post;

    /// Serves one route, and returns its address.
    async fn serve(router: Router) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/")
    }

    #[tokio::test]
    async fn a_client_that_sends_much_sees_the_refusal() {
        let refuse = || async { (StatusCode::FORBIDDEN, "no") };
        let router = Router::new().route("/", post(refuse)).layer(from_fn(refused_bodies));
        let pieces = futures_util::stream::iter(
            (0..256).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 64 << 10]))),
        );
        let request = http().build().unwrap().post(serve(router).await);
        let response = request.body(reqwest::Body::wrap_stream(pieces)).send().await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.text().await.unwrap(), "no");
    }

    const UPLOAD: usize = 16 << 20;

    /// Begins an upload as a client that asks first; returns the first bytes of the answer.
    fn ask_to_send(address: &str) -> (TcpStream, String) {
        let host = address.trim_start_matches("http://").trim_end_matches('/');
        let mut client = TcpStream::connect(host).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {UPLOAD}\r\nExpect: 100-continue\r\n\r\n"
        );
        client.write_all(head.as_bytes()).unwrap();
        let mut first = vec![0; 1024];
        let count = client.read(&mut first).unwrap();
        first.truncate(count);
        (client, String::from_utf8(first).unwrap())
    }

    #[tokio::test]
    async fn a_client_that_was_told_to_send_sees_the_refusal() {
        let refuse = |body: Body| async {
            body.into_data_stream().next().await.unwrap().unwrap();
            (StatusCode::FORBIDDEN, "no")
        };
        let router = Router::new().route("/", post(refuse)).layer(from_fn(refused_bodies));
        let address = serve(router).await;
        let client = move || {
            let (mut client, answer) = ask_to_send(&address);
            assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n"), "{answer}");
            client.write_all(&vec![0; UPLOAD]).unwrap();
            let mut refusal = vec![0; 1024];
            let count = client.read(&mut refusal).unwrap();
            assert!(refusal[..count].starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
        };
        tokio::task::spawn_blocking(client).await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_waits_to_send_is_refused_at_once() {
        let refuse = || async { (StatusCode::FORBIDDEN, "no") };
        let router = Router::new().route("/", post(refuse)).layer(from_fn(refused_bodies));
        let address = serve(router).await;
        let asking = tokio::task::spawn_blocking(move || ask_to_send(&address).1);
        let answer = timeout(MAX_TIME / 2, asking).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn no_more_than_the_limit_is_read() {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let endless = futures_util::stream::repeat_with(move || {
            count.fetch_add(10, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_static(&[0; 10]))
        });
        let body = Mutex::new(Body::from_stream(endless).into_data_stream());
        drain(&body, 100).await;
        assert_eq!(sent.load(Ordering::Relaxed), 100);
    }

    #[tokio::test]
    async fn a_body_that_is_read_arrives_whole() {
        let echo = |body: Bytes| async move { body };
        let router = Router::new().route("/", post(echo)).layer(from_fn(refused_bodies));
        let request = http().build().unwrap().post(serve(router).await).body("all of it");
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), "all of it");
    }
}
