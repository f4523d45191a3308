use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::gateway::loopback;

const LIMIT: Duration = Duration::from_secs(5);
/// More than the headers and the body `ok`.
const MAX_RESPONSE: u64 = 4096;

/// Returns whether a rack answers `GET /check` on this port.
pub(super) async fn is_answering(port: u16) -> bool {
    let answer = timeout(LIMIT, ask(port)).await;
    answer.is_ok_and(|answer| {
        answer.is_ok_and(|text| text.starts_with("HTTP/1.1 200 ") && text.ends_with("\r\n\r\nok"))
    })
}

async fn ask(port: u16) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(loopback(port)).await?;
    let request =
        format!("GET /check HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.take(MAX_RESPONSE).read_to_string(&mut answer).await?;
    Ok(answer)
}
