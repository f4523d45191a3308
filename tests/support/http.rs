//! HTTP/1.1 as bytes: heads and bodies are kept as they came, so that they can be broken at will.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::PATIENCE;
use super::upstream::Upstream;

/// The status and body of a response.
#[derive(Debug, Clone)]
pub struct StatusAndBody {
    pub status: u16,
    pub body: String,
}

impl StatusAndBody {
    /// The body as JSON, or as a string if it is not JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| self.body.as_str().into())
    }
}

/// Sends a request (`GET /apps`) over a connection of its own, and reads the response.
///
/// # Errors
/// Nothing listens at the address, or the connection breaks before there is a response.
pub(crate) async fn request(
    upstream: &Upstream,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<StatusAndBody> {
    // In HTTP/1.0, the response ends with the connection.
    let mut head = format!("{line} HTTP/1.0\r\nhost: localhost\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let exchange = async {
        let mut wire = Wire::new(upstream.connect().await?);
        wire.send(&[head.as_bytes(), body].concat()).await?;
        let head = wire.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(StatusAndBody { status: head.status(), body: wire.rest_as_text().await })
    };
    tokio::time::timeout(PATIENCE, exchange).await?
}

/// The head of a request or a response.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The words of the first line.
    pub(crate) words: Vec<String>,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// As it came, with the empty line.
    pub(crate) raw: Vec<u8>,
}

impl Head {
    fn parse(raw: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&raw).into_owned();
        let mut lines = text.split("\r\n");
        let words = lines.next().unwrap_or_default().split(' ').map(str::to_owned).collect();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { words, headers, raw }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        self.words[1].parse().unwrap()
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    pub(crate) fn length(&self) -> Option<usize> {
        self.header("content-length").map(|length| length.parse().unwrap())
    }

    /// The same with one more header.
    pub(crate) fn with(&self, line: &str) -> Vec<u8> {
        let end = self.raw.len() - 2;
        [&self.raw[..end], line.as_bytes(), b"\r\n\r\n"].concat()
    }

    /// The same for a body of this length that is sent as it is.
    pub(crate) fn with_length(&self, length: usize) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.raw);
        let lines = text.trim_end().split("\r\n");
        let lines: Vec<&str> = lines
            .filter(|line| {
                let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
                name != "content-length" && name != "transfer-encoding"
            })
            .collect();
        format!("{}\r\ncontent-length: {length}\r\n\r\n", lines.join("\r\n")).into_bytes()
    }
}

/// A connection that is read message by message.
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    pub(crate) buffer: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Waits until `length` bytes have come, without taking them.
    pub(crate) async fn wait_for(&mut self, length: usize) -> io::Result<()> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(())
    }

    /// Reads until the peer closes.
    pub(crate) async fn drain(&mut self) {
        while self.fill().await.is_ok() {
            self.buffer.clear();
        }
    }

    /// The next head; `None` if the peer has closed the connection before it.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if self.buffer.first().is_some_and(|first| !first.is_ascii_uppercase()) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                return Ok(Some(Head::parse(self.buffer.split_to(at + 4).to_vec())));
            }
            match self.fill().await {
                Err(_) if self.buffer.is_empty() => return Ok(None),
                other => other?,
            }
        }
    }

    /// The body after `head`, as it is on the wire.
    pub(crate) async fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if head.is_chunked() {
            return self.chunks().await;
        }
        let length = head.length().unwrap_or(0);
        self.take(length).await
    }

    /// The body after `head`, as it was before it was sent in chunks.
    pub(crate) async fn content(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        let body = self.body(head).await?;
        Ok(if head.is_chunked() { unchunked(&body) } else { body })
    }

    /// The next `length` bytes.
    pub(crate) async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(self.buffer.split_to(length).to_vec())
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = std::str::from_utf8(&line).unwrap().trim();
            let size = usize::from_str_radix(size, 16).unwrap();
            body.extend_from_slice(&line);
            body.extend_from_slice(&self.take(size + 2).await?);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                return Ok(self.buffer.split_to(at + 2).to_vec());
            }
            self.fill().await?;
        }
    }

    /// Everything until the peer closes the connection.
    async fn rest_as_text(&mut self) -> String {
        while self.fill().await.is_ok() {}
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// What has been read already and belongs to the other side of an upgrade.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let rest = self.buffer.to_vec();
        self.buffer.advance(rest.len());
        rest
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}

/// The content of a body in chunks.
pub(crate) fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(at) = find(body, b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..at]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[at + 2..at + 2 + size]);
        body = &body[at + 4 + size..];
    }
    whole
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A response with a body, and perhaps more headers.
pub(crate) fn response(status: u16, kind: &str, body: &str, more: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Made Up\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{more}\r\n{body}"
    )
    .into_bytes()
}
