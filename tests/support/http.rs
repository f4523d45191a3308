//! A tiny HTTP client, for what `curl` does in the guide.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::waiting::PATIENCE;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: u16,
    pub body: String,
}

/// Sends a request to `127.0.0.1:port`, as `convox` where a password is given.
///
/// # Errors
/// Nobody listens, or the connection breaks.
pub fn request(
    port: u16,
    line: &str,
    password: Option<&str>,
    form: &str,
) -> std::io::Result<Answered> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let login = password.map_or(String::new(), |password| {
        let login = BASE64_STANDARD.encode(format!("convox:{password}"));
        format!("Authorization: Basic {login}\r\n")
    });
    write!(
        stream,
        "{line} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{login}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answered { status: status.unwrap_or(0), body: body.to_owned() })
}
