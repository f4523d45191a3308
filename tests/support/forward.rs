//! Forwards one request to the rack and its response to the client, with a fault.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpStream;

use super::fault::Fault;
use super::frames;
use super::http::{Head, Wire, response, unchunked};
use super::proxy::State;
use super::upstream::Stream;

const PAGE: &str = "<!DOCTYPE html>\n<html><body><h1>Welcome</h1>Please log in.</body></html>\n";
/// The rack's message in responses with a status of its own.
pub(crate) const MESSAGE: &str = "the disk is on fire";

/// A large part of a body, in bytes.
const MUCH: usize = 64 << 10;

/// The pieces of a slow response, and the time before each: together more than the limit for the
/// beginning of a response in [`super::cli::LIMITS`].
const PIECES: usize = 8;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// What happens to the connection next.
pub(crate) enum After {
    KeepAlive,
    Close,
    Reset,
}

pub(crate) struct Forwarder<'a> {
    pub(crate) state: &'a Arc<State>,
    pub(crate) index: usize,
    pub(crate) head: Head,
}

type Client = Wire<TcpStream>;

/// Whether this build is over.
fn is_over(build: &[u8]) -> bool {
    let build: serde_json::Value = serde_json::from_slice(build).unwrap_or_default();
    build["status"] == "complete"
}

/// The response of the rack.
struct Answered {
    head: Head,
    body: Vec<u8>,
    upstream: Wire<Stream>,
}

impl Forwarder<'_> {
    pub(crate) async fn forward(self, client: &mut Client, fault: Fault) -> io::Result<After> {
        match fault {
            Fault::Early(text) => {
                client.send(text.as_bytes()).await?;
                // Unread bytes would cause a reset, in which the response could be lost.
                client.drain().await;
                return Ok(After::Close);
            }
            Fault::ResetInBody => {
                drop(client.take(256).await);
                return Ok(After::Reset);
            }
            Fault::Watched => {
                client.wait_for(MUCH).await?;
                self.state.notify("IN THE BODY");
            }
            _ => {}
        }
        let body = client.body(&self.head).await?;
        match fault {
            Fault::Reset => return Ok(After::Reset),
            Fault::Hang => {
                // Until the client gives up.
                drop(client.take(1).await);
                return Ok(After::Close);
            }
            Fault::Status(status) => return self.made_up(client, status).await,
            Fault::Html => {
                return self.reply(client, &response(200, "text/html", PAGE, "")).await;
            }
            Fault::Stall(time) => tokio::time::sleep(time).await,
            Fault::Killed => return self.kill().await,
            _ => {}
        }
        let answered = self.ask(&body).await?;
        self.state.note_rack(self.index, answered.head.status());
        match fault {
            Fault::Lost => Ok(After::Reset),
            Fault::KilledAfter => self.kill().await,
            Fault::CarriedOut(status) => self.made_up(client, status).await,
            _ if answered.head.status() == 101 => self.relay(client, answered, fault).await,
            Fault::Middle | Fault::Short | Fault::Stuck => {
                self.half(client, &answered).await?;
                match fault {
                    Fault::Middle => return Ok(After::Reset),
                    // Until the client gives up.
                    Fault::Stuck => client.drain().await,
                    _ => {}
                }
                Ok(After::Close)
            }
            Fault::Slow => {
                client.send(&answered.head.raw).await?;
                for piece in answered.body.chunks(answered.body.len() / PIECES + 1) {
                    tokio::time::sleep(PAUSE).await;
                    client.send(piece).await?;
                }
                self.state.note_answer(self.index);
                Ok(After::KeepAlive)
            }
            Fault::Truncated => {
                let body = match answered.head.is_chunked() {
                    true => unchunked(&answered.body),
                    false => answered.body,
                };
                let half = &body[..body.len() / 2];
                let broken = [&answered.head.with_length(half.len())[..], half].concat();
                self.reply(client, &broken).await
            }
            Fault::RefuseOnceOver if !is_over(&answered.body) || self.state.was_shut() => {
                self.whole(client, &answered).await
            }
            Fault::RefuseNext | Fault::RefuseOnceOver => {
                self.state.shut().await;
                self.whole(client, &answered).await
            }
            _ => self.whole(client, &answered).await,
        }
    }

    /// Sends the request to the rack, and reads the response.
    async fn ask(&self, body: &[u8]) -> io::Result<Answered> {
        let mut upstream = Wire::new(self.state.upstream.connect().await?);
        upstream.send(&[&self.head.raw[..], body].concat()).await?;
        let head = upstream.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let body = match head.status() {
            101 => Vec::new(),
            _ => upstream.body(&head).await?,
        };
        Ok(Answered { head, body, upstream })
    }

    async fn whole(&self, client: &mut Client, answered: &Answered) -> io::Result<After> {
        let head = match self.state.closes {
            true => answered.head.with("connection: close"),
            false => answered.head.raw.clone(),
        };
        self.reply(client, &[head, answered.body.clone()].concat()).await
    }

    /// The first half of a response.
    async fn half(&self, client: &mut Client, answered: &Answered) -> io::Result<()> {
        let half = answered.body.len() / 2;
        client.send(&answered.head.raw).await?;
        client.send(&answered.body[..half]).await?;
        self.state.note_answer(self.index);
        Ok(())
    }

    async fn made_up(&self, client: &mut Client, status: u16) -> io::Result<After> {
        let bytes = match status {
            429 => response(429, "text/plain", "slow down", "retry-after: 1\r\n"),
            500 => response(500, "application/json", &format!("{{\"error\":\"{MESSAGE}\"}}"), ""),
            503 => response(503, "text/html", "<html>unavailable</html>", ""),
            _ => response(status, "text/html", "", ""),
        };
        self.reply(client, &bytes).await
    }

    async fn reply(&self, client: &mut Client, bytes: &[u8]) -> io::Result<After> {
        self.state.note_answer(self.index);
        client.send(bytes).await?;
        Ok(if self.state.closes { After::Close } else { After::KeepAlive })
    }

    /// Refuses connections until the rack has been started again.
    async fn kill(&self) -> io::Result<After> {
        let rack = self.state.rack.clone().unwrap();
        self.state.shut().await;
        rack.kill().await;
        let state = self.state.clone();
        // A request for an app has to find it running again.
        let at_rest = match (&self.head.words[0][..], self.head.words[1].split('/').nth(3)) {
            ("GET", None) => self.head.words[1].strip_prefix("/apps/").map(str::to_owned),
            _ => None,
        };
        tokio::spawn(async move {
            rack.start().await;
            if let Some(app) = at_rest {
                rack.api.running(&app).await;
            }
            state.open();
        });
        Ok(After::Reset)
    }

    async fn relay(
        &self,
        client: &mut Client,
        answered: Answered,
        fault: Fault,
    ) -> io::Result<After> {
        let Answered { head, mut upstream, .. } = answered;
        if fault == Fault::RefuseNext {
            self.state.shut().await;
        }
        self.state.note_answer(self.index);
        if fault == Fault::Middle {
            client.send(&head.raw[..head.raw.len() / 2]).await?;
            return Ok(After::Reset);
        }
        client.send(&head.raw).await?;
        let early = upstream.rest();
        let (mut from_client, mut to_client) = client.stream.split();
        let (from_rack, mut to_rack) = tokio::io::split(upstream.stream);
        let mut from_rack = std::io::Cursor::new(early).chain(from_rack);
        let up = async {
            let pings = &self.state.pings;
            frames::pass_counting_pings(&mut from_client, &mut to_rack, pings).await
        };
        let down = async {
            match fault {
                Fault::Cut(bytes) => {
                    let mut some = from_rack.take(bytes as u64);
                    copy(&mut some, &mut to_client).await?;
                    to_client.flush().await
                }
                Fault::Close(code) => {
                    to_client.write_all(&frames::close(code)).await?;
                    to_client.shutdown().await
                }
                Fault::Endless => {
                    frames::pass_without_end(&mut from_rack, &mut to_client).await?;
                    std::future::pending().await
                }
                _ => {
                    let passed = copy(&mut from_rack, &mut to_client).await;
                    to_client.shutdown().await?;
                    passed.map(drop)
                }
            }
        };
        tokio::select! {
            _ = up => Ok(After::Reset),
            passed = down => match fault {
                Fault::Cut(_) => Ok(After::Reset),
                _ => passed.map(|()| After::Close),
            },
        }
    }
}
