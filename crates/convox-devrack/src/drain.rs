//! Requests that are refused before their body was read.
//!
//! A client that is still sending might not see the refusal: closing a connection with unread data
//! resets it. So a part of the rest of a body is read, and thrown away, before a refusal is sent.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
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
    // A client that asks before it sends needs no answer but the refusal.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let shared = Arc::new(Mutex::new(body.into_data_stream()));
    let response = next.run(Request::from_parts(parts, part_of(shared.clone()))).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        // What is not read by then is not waited for.
        let _ = timeout(MAX_TIME, drain(&shared, MAX_BYTES)).await;
    }
    response
}

/// A body whose rest remains when it is dropped.
fn part_of(shared: Arc<Mutex<BodyDataStream>>) -> Body {
    Body::from_stream(futures_util::stream::unfold(shared, |shared| async move {
        let piece = shared.lock().await.next().await;
        piece.map(|piece| (piece, shared))
    }))
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::body::Bytes;
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
