//! One request: carried to the rack and back, or not.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpStream;

use super::fault::Fault;
use super::frames;
use super::http::{Head, Wire, answer, unchunked};
use super::proxy::Desk;

const PAGE: &str = "<!DOCTYPE html>\n<html><body><h1>Welcome</h1>Please log in.</body></html>\n";
/// What a rack says with the statuses that are its own.
pub(crate) const WORDS: &str = "the disk is on fire";

/// Bytes of a body that are much.
const MUCH: usize = 64 << 10;

/// What becomes of the connection.
pub(crate) enum After {
    KeepAlive,
    Close,
    Reset,
}

pub(crate) struct Carrier<'a> {
    pub(crate) desk: &'a Arc<Desk>,
    pub(crate) index: usize,
    pub(crate) head: Head,
}

type Client = Wire<TcpStream>;

/// Does this build run no more?
fn is_over(build: &[u8]) -> bool {
    String::from_utf8_lossy(build).contains("\"status\":\"complete\"")
}

/// What the rack has answered.
struct Answered {
    head: Head,
    body: Vec<u8>,
    upstream: Client,
}

impl Carrier<'_> {
    pub(crate) async fn carry(self, client: &mut Client, fault: Fault) -> io::Result<After> {
        match fault {
            Fault::Early(text) => {
                client.send(text.as_bytes()).await?;
                // Reading on keeps the answer from being lost in a reset.
                client.drain().await;
                return Ok(After::Close);
            }
            Fault::ResetInBody => {
                drop(client.take(256).await);
                return Ok(After::Reset);
            }
            Fault::Watched => {
                client.wait_for(MUCH).await?;
                self.desk.tell("IN THE BODY");
            }
            _ => {}
        }
        let body = client.body(&self.head).await?;
        match fault {
            Fault::Reset => return Ok(After::Reset),
            Fault::Hang => {
                // Until the client has given up.
                drop(client.take(1).await);
                return Ok(After::Close);
            }
            Fault::Status(status) => return self.made_up(client, status).await,
            Fault::Html => {
                return self.reply(client, &answer(200, "text/html", PAGE, "")).await;
            }
            Fault::Stall(time) => tokio::time::sleep(time).await,
            Fault::Killed => return self.kill().await,
            _ => {}
        }
        let answered = self.ask(&body).await?;
        self.desk.note_rack(self.index, answered.head.status());
        match fault {
            Fault::Lost => Ok(After::Reset),
            Fault::KilledAfter => self.kill().await,
            Fault::CarriedOut(status) => self.made_up(client, status).await,
            _ if answered.head.status() == 101 => self.relay(client, answered, fault).await,
            Fault::Middle => {
                self.desk.note_answer(self.index);
                let half = answered.body.len() / 2;
                client.send(&answered.head.raw).await?;
                client.send(&answered.body[..half]).await?;
                Ok(After::Reset)
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
            Fault::RefuseOnceOver if !is_over(&answered.body) => {
                self.whole(client, &answered).await
            }
            Fault::RefuseNext | Fault::RefuseOnceOver => {
                self.desk.shut().await;
                self.whole(client, &answered).await
            }
            _ => self.whole(client, &answered).await,
        }
    }

    /// Asks the rack, and reads all it answers.
    async fn ask(&self, body: &[u8]) -> io::Result<Answered> {
        let stream = TcpStream::connect(self.desk.upstream).await?;
        stream.set_nodelay(true)?;
        let mut upstream = Wire::new(stream);
        upstream.send(&[&self.head.raw[..], body].concat()).await?;
        let head = upstream.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let body = match head.status() {
            101 => Vec::new(),
            _ => upstream.body(&head).await?,
        };
        Ok(Answered { head, body, upstream })
    }

    async fn whole(&self, client: &mut Client, answered: &Answered) -> io::Result<After> {
        let head = match self.desk.hasty {
            true => answered.head.with("connection: close"),
            false => answered.head.raw.clone(),
        };
        self.reply(client, &[head, answered.body.clone()].concat()).await
    }

    async fn made_up(&self, client: &mut Client, status: u16) -> io::Result<After> {
        let bytes = match status {
            429 => answer(429, "text/plain", "slow down", "retry-after: 1\r\n"),
            500 => answer(500, "application/json", &format!("{{\"error\":\"{WORDS}\"}}"), ""),
            503 => answer(503, "text/html", "<html>unavailable</html>", ""),
            _ => answer(status, "text/html", "", ""),
        };
        self.reply(client, &bytes).await
    }

    async fn reply(&self, client: &mut Client, bytes: &[u8]) -> io::Result<After> {
        self.desk.note_answer(self.index);
        client.send(bytes).await?;
        Ok(if self.desk.hasty { After::Close } else { After::KeepAlive })
    }

    /// Nobody is there until the rack is back.
    async fn kill(&self) -> io::Result<After> {
        let rack = self.desk.rack.clone().unwrap();
        self.desk.shut().await;
        rack.kill().await;
        let desk = self.desk.clone();
        // What has to find the app at rest comes only once the rack runs it again.
        let at_rest = match (&self.head.words[0][..], self.head.words[1].split('/').nth(3)) {
            ("GET", None) => self.head.words[1].strip_prefix("/apps/").map(str::to_owned),
            _ => None,
        };
        tokio::spawn(async move {
            rack.start().await;
            if let Some(app) = at_rest {
                rack.api.running(&app).await;
            }
            desk.open();
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
            self.desk.shut().await;
        }
        self.desk.note_answer(self.index);
        if fault == Fault::Middle {
            client.send(&head.raw[..head.raw.len() / 2]).await?;
            return Ok(After::Reset);
        }
        client.send(&head.raw).await?;
        let early = upstream.rest();
        let (mut from_client, mut to_client) = client.stream.split();
        let (from_rack, mut to_rack) = upstream.stream.split();
        let mut from_rack = std::io::Cursor::new(early).chain(from_rack);
        let up = async {
            let pings = &self.desk.pings;
            frames::pass_counting_pings(&mut from_client, &mut to_rack, pings).await
        };
        let down = async {
            match fault {
                Fault::Cut(bytes) => {
                    let mut some = from_rack.take(bytes as u64);
                    copy(&mut some, &mut to_client).await?;
                    to_client.flush().await
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
