//! Requests to a rack in another process.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::local_socket;

const CHECK_LIMIT: Duration = Duration::from_secs(5);
/// Far above what the requested routes answer.
const MAX_RESPONSE: u64 = 4096;

/// Returns whether the rack of this data directory answers `GET /check`.
pub(super) async fn is_answering(data: &Path) -> bool {
    let answer = timeout(CHECK_LIMIT, request(data, "GET /check")).await;
    answer.is_ok_and(|body| body.is_ok_and(|body| body == "ok"))
}

/// Sends a POST without a body; returns the body of a 200.
pub(super) async fn post(data: &Path, path: &str) -> io::Result<String> {
    request(data, &format!("POST {path}")).await
}

async fn request(data: &Path, line: &str) -> io::Result<String> {
    let mut socket = local_socket::connect(data).await?;
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    socket.take(MAX_RESPONSE).read_to_string(&mut response).await?;
    match response.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        Some((_, message)) => Err(io::Error::other(message.trim().to_owned())),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
