//! Receives the answer that the console's page sends to this machine: `GET /…?data=BASE64`.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// How long a connection may take. Browsers open some that they never use.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause after an error of accept(2).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until a request brings an answer, which is responded to before it is returned.
pub(super) async fn received(listener: TcpListener) -> SecretString {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connections.push(timeout(PATIENCE, serve(stream))),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(served) = connections.next() => {
                if let Ok(Ok(Some(answer))) = served {
                    return answer;
                }
            }
        }
    }
}

/// Serves one request. Returns the answer, if the request has one.
async fn serve(mut stream: TcpStream) -> io::Result<Option<SecretString>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > MAX_HEAD || stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let (status, text, answer) = match answer_in(&String::from_utf8_lossy(&head)) {
        Ok(answer) => ("200 OK", "you may now close the window".to_owned(), Some(answer)),
        Err(problem) => ("400 Bad Request", problem, None),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    // The answer counts even if the browser does not wait for the response.
    let sent = stream.write_all(response.as_bytes()).await;
    if answer.is_none() {
        sent?;
    }
    // The same holds for the end of the connection.
    let _ = stream.shutdown().await;
    Ok(answer)
}

/// The answer in the head of a request, or what is wrong with it.
fn answer_in(head: &str) -> Result<SecretString, String> {
    let target = head.split(' ').nth(1).unwrap_or_default();
    let (_, query) = target.split_once('?').unwrap_or_default();
    let mut fields = url::form_urlencoded::parse(query.as_bytes());
    let data = fields.find(|(name, _)| name == "data").map(|(_, value)| value);
    let data = data.filter(|data| !data.is_empty()).ok_or("data is missing")?;
    let malformed = |error: &dyn std::fmt::Display| format!("malformed data: {error}");
    // A plus sign that was not encoded reads as a blank.
    let decoded = BASE64_STANDARD.decode(data.replace(' ', "+").as_bytes());
    let decoded = decoded.map_err(|error| malformed(&error))?;
    let answer = String::from_utf8(decoded).map_err(|_| malformed(&"not text"))?;
    Ok(answer.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_answer_is_the_field_data_at_any_path() {
        let answer = |line: &str| {
            answer_in(&format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                .map(|answer| answer.expose_secret().to_owned())
        };
        assert_eq!(answer("GET /?data=eyJhIjoxfQ==").unwrap(), r#"{"a":1}"#);
        assert_eq!(answer("GET /any/path?x=1&data=eyJhIjoxfQ%3D%3D").unwrap(), r#"{"a":1}"#);
        for line in ["GET /?data=e30+", "GET /?data=e30%2B"] {
            assert_eq!(answer(line).unwrap(), "{}>", "{line}");
        }
        for line in ["GET /favicon.ico", "GET /?data=", "GET /?other=e30="] {
            assert_eq!(answer(line).unwrap_err(), "data is missing", "{line}");
        }
        for line in ["GET /?data=%21", "GET /?data=_w8="] {
            assert!(answer(line).unwrap_err().starts_with("malformed data: "), "{line}");
        }
    }

    #[tokio::test]
    async fn connections_that_bring_nothing_do_not_keep_the_answer_away() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = tokio::spawn(received(listener));
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut said = Vec::new();
        for line in ["GET /favicon.ico", "GET /?data=e30="] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            said.push(text);
        }
        assert!(said[0].starts_with("HTTP/1.1 400 ") && said[0].ends_with("data is missing"));
        assert!(said[1].starts_with("HTTP/1.1 200 ") && said[1].ends_with("close the window"));
        assert_eq!(answer.await.unwrap().expose_secret(), "{}");
    }
}
