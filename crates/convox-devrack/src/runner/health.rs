//! Health checks: HTTP requests to a process.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::gateway::loopback;
use crate::manifest::HealthCheck;

/// The first pause between the checks of a new process. It doubles up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A process is replaced if so many checks fail in a row, as on real racks.
const MAX_FAILURES: u32 = 2;
/// The longest status line that is read, in bytes.
const MAX_LINE: u64 = 1024;
/// How much of the rest of an answer is read, in bytes, and for how long.
const MAX_REST: u64 = 64 << 10;
const REST_TIME: Duration = Duration::from_millis(500);

/// Waits until a new process passes. Why it has not passed so far is kept in `last`.
pub(super) async fn passed(check: &HealthCheck, port: u16, last: &mut String) {
    let mut pause = FIRST_PAUSE;
    while let Err(why) = check_once(check, port).await {
        *last = why;
        sleep(pause).await;
        pause = (pause * 2).min(check.interval);
    }
}

/// Waits until a running process has failed too often in a row, and returns how it failed last.
pub(super) async fn failed(check: &HealthCheck, port: u16) -> String {
    let mut failures = 0;
    loop {
        sleep(check.interval).await;
        match check_once(check, port).await {
            Ok(()) => failures = 0,
            Err(why) => {
                failures += 1;
                if failures == MAX_FAILURES {
                    return why;
                }
            }
        }
    }
}

/// Sends one request.
async fn check_once(check: &HealthCheck, port: u16) -> Result<(), String> {
    let HealthCheck { path, timeout: limit, .. } = check;
    match timeout(*limit, status(path, port)).await {
        Ok(Ok(200..=399)) => Ok(()),
        Ok(Ok(status)) => Err(format!("GET {path} was answered with status {status}")),
        Ok(Err(error)) => Err(format!("GET {path} was not answered: {error}")),
        Err(_) => Err(format!("GET {path} was not answered within {} s", limit.as_secs())),
    }
}

async fn status(path: &str, port: u16) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(loopback(port)).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: convox-health\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut line = Vec::new();
    let mut start = (&mut stream).take(MAX_LINE);
    while !line.contains(&b'\n') && start.read_buf(&mut line).await? > 0 {}
    // Closing a connection with unread data would be an error to the process. More than this is not
    // waited for.
    let _ = timeout(REST_TIME, copy(&mut stream.take(MAX_REST), &mut sink())).await;
    status_of(&line).ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}

/// Reads `HTTP/1.1 200 OK`.
fn status_of(line: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(line.split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok().filter(|status| (100..=999).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers each request with the next of these lines, and the last of them for ever.
    async fn answering(lines: &'static [&'static str]) -> u16 {
        let listener = TcpListener::bind(loopback(0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            for at in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut request).await.unwrap();
                }
                let line = lines[usize::min(at, lines.len() - 1)];
                stream.write_all(line.as_bytes()).await.unwrap();
            }
        });
        port
    }

    fn check() -> HealthCheck {
        let interval = Duration::from_millis(5);
        HealthCheck { path: "/health".to_owned(), interval, ..HealthCheck::default() }
    }

    #[tokio::test]
    async fn a_status_from_200_to_399_passes() {
        for (line, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Ok(())),
            ("HTTP/1.0 302 Found\r\n\r\n", Ok(())),
            ("HTTP/1.1 404 Not Found\r\n\r\n", Err("GET /health was answered with status 404")),
            ("HTTP/1.1 503\r\n\r\n", Err("GET /health was answered with status 503")),
            ("+OK\r\n", Err("GET /health was not answered: the answer is not HTTP")),
            ("", Err("GET /health was not answered: the answer is not HTTP")),
        ] {
            let port = answering(Box::leak(Box::new([line]))).await;
            assert_eq!(check_once(&check(), port).await, expected.map_err(str::to_owned), "{line}");
        }
    }

    #[tokio::test]
    async fn a_new_process_is_waited_for_until_it_passes() {
        let port = answering(&["HTTP/1.1 500 No\r\n\r\n", "HTTP/1.1 204 OK\r\n\r\n"]).await;
        let mut last = String::new();
        passed(&check(), port, &mut last).await;
        assert_eq!(last, "GET /health was answered with status 500");
    }

    #[tokio::test]
    async fn one_failure_is_forgiven_and_two_in_a_row_are_not() {
        const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";
        let port = answering(&[
            OK,
            "HTTP/1.1 501 -\r\n\r\n",
            OK,
            "HTTP/1.1 502 -\r\n\r\n",
            "HTTP/1.1 503 -\r\n\r\n",
        ])
        .await;
        let why = failed(&check(), port).await;
        assert_eq!(why, "GET /health was answered with status 503");
    }
}
