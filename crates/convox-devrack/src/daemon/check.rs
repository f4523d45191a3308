//! Requests to a rack in another process.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Address;
use crate::gateway::loopback;

const CHECK_LIMIT: Duration = Duration::from_secs(5);
/// Far above what the requested routes answer.
const MAX_RESPONSE: u64 = 4096;

/// Returns whether a rack answers `GET /check` on this port.
pub(super) async fn is_answering(port: u16) -> bool {
    let answer = timeout(CHECK_LIMIT, request(port, "GET /check", "")).await;
    answer.is_ok_and(|body| body.is_ok_and(|body| body == "ok"))
}

/// Sends an authenticated POST without a body; returns the body of a 200.
pub(super) async fn post(address: &Address, path: &str) -> io::Result<String> {
    let credentials = format!("convox:{}", address.password.expose_secret());
    let header = format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(credentials));
    request(address.port, &format!("POST {path}"), &header).await
}

async fn request(port: u16, line: &str, headers: &str) -> io::Result<String> {
    let mut socket = TcpStream::connect(loopback(port)).await?;
    let request = format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: 0\r\n\
         Connection: close\r\n\r\n"
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
