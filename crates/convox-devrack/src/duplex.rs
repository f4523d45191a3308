//! Websockets that carry bytes in both directions: sessions with processes, and tunnels.
//!
//! Clients and racks put arbitrary bytes into text frames, which axum's websockets refuse unless
//! they are UTF-8. So the frames are read and written here; their headers are tungstenite's.

use std::io::{self, Cursor};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Buf, Bytes, BytesMut};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::auth;
use super::error::Refusal;
use super::rack::{Lifecycle, Shared};

/// How long to wait for the peer to close the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The size of one read, in bytes.
const STEP: usize = 32 << 10;
/// The most data in one frame.
const MAX_FRAME: usize = 32 << 10;
/// The most data in a control frame (RFC 6455, 5.5).
const MAX_CONTROL: u64 = 125;

const NORMAL: u16 = 1000;
const RESTART: u16 = 1012;

/// The server's end of a websocket.
pub(crate) trait Service: Send + 'static {
    /// Serves the peer until everything is sent, or the peer is gone.
    fn serve(
        self,
        from: &mut Receiver,
        to: &Sender,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// A request to open a websocket.
pub(crate) struct Upgrade {
    on_upgrade: OnUpgrade,
    accept: HeaderValue,
    headers: HeaderMap,
    rack: Shared,
}

impl FromRequestParts<Shared> for Upgrade {
    type Rejection = StatusCode;

    /// Rejects a plain request to a websocket's path with an empty 404, as v3 racks do.
    async fn from_request_parts(parts: &mut Parts, rack: &Shared) -> Result<Self, StatusCode> {
        let spelled = parts.headers.get(header::UPGRADE).map(HeaderValue::as_bytes);
        if spelled != Some(b"websocket") {
            return Err(StatusCode::NOT_FOUND);
        }
        let key = parts.headers.get(header::SEC_WEBSOCKET_KEY).ok_or(StatusCode::BAD_REQUEST)?;
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
        let accept = accept.map_err(|_| StatusCode::BAD_REQUEST)?;
        let on_upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(StatusCode::BAD_REQUEST)?;
        Ok(Self { on_upgrade, accept, headers: parts.headers.clone(), rack: rack.clone() })
    }
}

impl Upgrade {
    /// Accepts the websocket and serves it. A wrong password, and a refusal by `prepare` or the
    /// service, is reported on the open websocket.
    pub(crate) fn accept<S: Service>(
        self,
        prepare: impl FnOnce(&Shared, &HeaderMap) -> Result<S, Refusal>,
    ) -> Response {
        let Self { on_upgrade, accept, headers, rack } = self;
        let allowed = auth::check_password(&headers, &rack.password);
        let service = allowed.and_then(|()| prepare(&rack, &headers));
        tokio::spawn(async move {
            // A client that is gone before the response needs nothing.
            let Ok(stream) = on_upgrade.await else { return };
            run(TokioIo::new(stream), service, &rack).await;
        });
        let upgrade = HeaderValue::from_static("websocket");
        let connection = HeaderValue::from_static("Upgrade");
        let headers = [
            (header::UPGRADE, upgrade),
            (header::CONNECTION, connection),
            (header::SEC_WEBSOCKET_ACCEPT, accept),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
    }
}

type Stream = TokioIo<Upgraded>;

async fn run(stream: Stream, service: Result<impl Service, Refusal>, rack: &Shared) {
    let (mut from, to) = split(stream);
    let mut lifecycle = rack.lifecycle.subscribe();
    let served = async {
        match service {
            Ok(service) => service.serve(&mut from, &to).await,
            Err(refusal) => Err(refusal),
        }
    };
    let stopping = async {
        // The sender lives in the rack, so the channel is never closed.
        let _ = lifecycle.wait_for(|phase| *phase == Lifecycle::Stopping).await;
    };
    let served = tokio::select! {
        served = served => Some(served),
        () = stopping => None,
    };
    let farewell = async {
        let Some(served) = served else { return to.close(RESTART).await };
        if let Err(refusal) = served {
            to.send(format!("ERROR: {}\n", refusal.message).as_bytes()).await?;
        }
        to.end().await?;
        to.close(NORMAL).await?;
        while from.next().await.is_some() {}
        Ok(())
    };
    // A peer that is gone, or never closes, has received everything that it takes.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, farewell).await;
}

fn split(stream: Stream) -> (Receiver, Sender) {
    let (reader, stream) = tokio::io::split(stream);
    let writer = Writer { stream, queued: Vec::new(), written: 0, has_ended: false };
    let sender = Sender(Arc::new(Mutex::new(writer)));
    let receiver = Receiver {
        reader,
        buffer: BytesMut::new(),
        frame: None,
        sender: sender.clone(),
        ping: None,
        is_closed: false,
    };
    (receiver, sender)
}

/// What a client sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Data(Bytes),
    /// No more data will come.
    End,
    /// The client's terminal has another size.
    Resize {
        rows: u16,
        columns: u16,
    },
}

/// The receiving half.
pub(crate) struct Receiver {
    reader: ReadHalf<Stream>,
    buffer: BytesMut,
    frame: Option<Payload>,
    sender: Sender,
    /// The payload of a ping that is not answered yet.
    ping: Option<Bytes>,
    is_closed: bool,
}

/// What is left of a frame whose header was read.
struct Payload {
    opcode: OpCode,
    key: [u8; 4],
    left: u64,
}

impl Receiver {
    /// Returns what comes next, or `None` once the peer has closed the connection or broken the
    /// protocol. Cancel safe. Pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Option<Incoming> {
        while !self.is_closed {
            if let Some(payload) = self.ping.clone() {
                self.sender.pong(&payload).await.ok()?;
                self.ping = None;
                if let Some(resize) = parse_resize(&payload) {
                    return Some(resize);
                }
            }
            match self.take() {
                Taken::Incoming(incoming) => return Some(incoming),
                Taken::Ping(payload) => self.ping = Some(payload),
                Taken::Nothing => {
                    self.buffer.reserve(STEP);
                    if self.reader.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                        self.is_closed = true;
                    }
                }
                Taken::Close => self.is_closed = true,
            }
        }
        None
    }

    fn take(&mut self) -> Taken {
        loop {
            let Some(frame) = &mut self.frame else {
                match self.take_header() {
                    Ok(true) => continue,
                    Ok(false) => return Taken::Nothing,
                    Err(()) => return Taken::Close,
                }
            };
            let left = usize::try_from(frame.left).unwrap_or(usize::MAX);
            match frame.opcode {
                OpCode::Data(Data::Binary) if left == 0 => {
                    self.frame = None;
                    return Taken::Incoming(Incoming::End);
                }
                OpCode::Data(_) if left == 0 => self.frame = None,
                OpCode::Data(kind) => {
                    let mut data = self.buffer.split_to(left.min(self.buffer.len()));
                    if data.is_empty() {
                        return Taken::Nothing;
                    }
                    frame.unmask(&mut data);
                    // The content of a binary frame is ignored: it marks the end.
                    if kind != Data::Binary {
                        return Taken::Incoming(Incoming::Data(data.freeze()));
                    }
                }
                OpCode::Control(_) if self.buffer.len() < left => return Taken::Nothing,
                OpCode::Control(control) => {
                    let mut payload = self.buffer.split_to(left);
                    frame.unmask(&mut payload);
                    self.frame = None;
                    match control {
                        Control::Ping => return Taken::Ping(payload.freeze()),
                        Control::Close => return Taken::Close,
                        Control::Pong | Control::Reserved(_) => {}
                    }
                }
            }
        }
    }

    /// Reads a header, if all of it is there. A client that does not mask its frames is refused
    /// (RFC 6455, 5.1).
    fn take_header(&mut self) -> Result<bool, ()> {
        let mut cursor = Cursor::new(&self.buffer[..]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| ())?;
        let length = usize::try_from(cursor.position()).unwrap_or_default();
        let Some((header, left)) = parsed else { return Ok(false) };
        self.buffer.advance(length);
        let key = header.mask.ok_or(())?;
        if matches!(header.opcode, OpCode::Control(_)) && left > MAX_CONTROL {
            return Err(());
        }
        self.frame = Some(Payload { opcode: header.opcode, key, left });
        Ok(true)
    }
}

enum Taken {
    Incoming(Incoming),
    Ping(Bytes),
    Close,
    /// More has to be read first.
    Nothing,
}

impl Payload {
    /// Unmasks the next part of the payload (RFC 6455, 5.3).
    fn unmask(&mut self, data: &mut [u8]) {
        let [a, b, c, d] = self.key;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let mut words = data.chunks_exact_mut(8);
        for word in &mut words {
            if let Ok(bytes) = <[u8; 8]>::try_from(&*word) {
                word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
            }
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(self.key.iter().cycle()) {
            *byte ^= key;
        }
        self.left -= data.len() as u64;
        self.key.rotate_left(data.len() % 4);
    }
}

/// A resize travels as the payload of a ping, `resize ROWSxCOLUMNS`: the API of v3 racks has no
/// message for it.
fn parse_resize(payload: &[u8]) -> Option<Incoming> {
    let size = std::str::from_utf8(payload).ok()?.strip_prefix("resize ")?;
    let (rows, columns) = size.split_once('x')?;
    Some(Incoming::Resize { rows: rows.parse().ok()?, columns: columns.parse().ok()? })
}

/// The sending half. Cheap to clone; clones send on the same websocket.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Mutex<Writer>>);

struct Writer {
    stream: WriteHalf<Stream>,
    /// A write that was dropped halfway is completed by the next one.
    queued: Vec<u8>,
    written: usize,
    has_ended: bool,
}

impl Sender {
    /// Sends data as text frames, and returns once the connection has taken it.
    pub(crate) async fn send(&self, data: &[u8]) -> io::Result<()> {
        for piece in data.chunks(MAX_FRAME) {
            self.frame(OpCode::Data(Data::Text), piece).await?;
        }
        Ok(())
    }

    /// Marks the end of the data, once.
    pub(crate) async fn end(&self) -> io::Result<()> {
        let mut writer = self.0.lock().await;
        if std::mem::replace(&mut writer.has_ended, true) {
            return Ok(());
        }
        writer.write(OpCode::Data(Data::Binary), b"").await
    }

    async fn close(&self, code: u16) -> io::Result<()> {
        self.frame(OpCode::Control(Control::Close), &code.to_be_bytes()).await
    }

    async fn pong(&self, payload: &[u8]) -> io::Result<()> {
        self.frame(OpCode::Control(Control::Pong), payload).await
    }

    async fn frame(&self, opcode: OpCode, payload: &[u8]) -> io::Result<()> {
        self.0.lock().await.write(opcode, payload).await
    }
}

impl Writer {
    async fn write(&mut self, opcode: OpCode, payload: &[u8]) -> io::Result<()> {
        self.flush().await?;
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        header.format(payload.len() as u64, &mut self.queued).map_err(io::Error::other)?;
        self.queued.extend_from_slice(payload);
        self.flush().await
    }

    async fn flush(&mut self) -> io::Result<()> {
        while self.written < self.queued.len() {
            match self.stream.write(&self.queued[self.written..]).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.written += count,
            }
        }
        self.queued.clear();
        self.written = 0;
        self.stream.flush().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resize_is_two_numbers_and_any_other_ping_is_just_a_ping() {
        let resize = Incoming::Resize { rows: 24, columns: 80 };
        assert_eq!(parse_resize(b"resize 24x80"), Some(resize));
        for other in
            [&b""[..], b"resize", b"resize 24", b"resize -1x80", b"resize 24x99999", b"\xff"]
        {
            assert_eq!(parse_resize(other), None);
        }
    }

    #[test]
    fn a_payload_is_unmasked_the_same_however_it_is_cut() {
        let masked: Vec<u8> = (0..100).collect();
        let unmask = |step: usize| {
            let (mut data, key) = (masked.clone(), [1, 20, 33, 250]);
            let mut frame = Payload { opcode: OpCode::Data(Data::Text), key, left: 100 };
            data.chunks_mut(step).for_each(|piece| frame.unmask(piece));
            assert_eq!(frame.left, 0);
            data
        };
        for step in 1..100 {
            assert_eq!(unmask(step), unmask(100), "{step}");
        }
        assert_eq!(unmask(7)[5], 5 ^ 20);
    }
}
