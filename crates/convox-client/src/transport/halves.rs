//! The two halves of a websocket. The sender carries data; the receiver reads, answers pings and
//! keeps the connection alive, so it has to be polled for as long as the socket is open.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Upgraded;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::Mutex;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::frames::{FrameDecoder, Next};
use super::socket::{CloseGuard, CloseReason};
use convox_wire::frame::Frame;

/// The largest read, in bytes. A larger frame is passed on in pieces.
const MAX_STEP: usize = 256 << 10;
/// The first read: most sockets carry little.
const FIRST_STEP: usize = 8 << 10;

/// The most data in one frame: v3 racks read resource consoles into a buffer of this size, and drop
/// what a frame has beyond it.
const MAX_FRAME: usize = 32 << 10;
/// The most data that is queued before it is written.
const MAX_QUEUED: usize = 64 << 10;

/// The sending half of a socket.
pub struct SocketSender {
    writer: Arc<Mutex<Writer>>,
}

/// The receiving half of a socket.
pub struct SocketReceiver {
    reader: ReadHalf<Upgraded>,
    writer: Arc<Mutex<Writer>>,
    frames: FrameDecoder,
    step: usize,
    max_step: usize,
    pings: Interval,
    /// The payload of a ping that is not answered yet. The latest one is enough (RFC 6455, 5.5.3).
    pong: Option<Bytes>,
    /// Why the connection is broken. It stays so.
    broken: Option<CloseReason>,
    guard: CloseGuard,
}

/// Frames on their way out. A write that is dropped halfway is completed by the next one.
struct Writer {
    stream: WriteHalf<Upgraded>,
    queued: Vec<u8>,
    written: usize,
}

/// Splits a fresh connection, on which a ping is sent after each interval.
pub(super) fn split(
    stream: Upgraded,
    ping: Duration,
    guard: CloseGuard,
) -> (SocketSender, SocketReceiver) {
    let (reader, stream) = tokio::io::split(stream);
    let writer = Arc::new(Mutex::new(Writer { stream, queued: Vec::new(), written: 0 }));
    let mut pings = interval_at(Instant::now() + ping, ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let receiver = SocketReceiver {
        reader,
        writer: writer.clone(),
        frames: FrameDecoder::new(),
        step: FIRST_STEP,
        max_step: MAX_STEP,
        pings,
        pong: None,
        broken: None,
        guard,
    };
    (SocketSender { writer }, receiver)
}

impl SocketSender {
    /// Sends data, and returns once the connection has taken it.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn send(&mut self, mut data: Bytes) -> Result<(), CloseReason> {
        while !data.is_empty() {
            let mut batch = data.split_to(data.len().min(MAX_QUEUED));
            let mut writer = self.writer.lock().await;
            writer.flush().await.map_err(cut)?;
            while !batch.is_empty() {
                let frame = batch.split_to(batch.len().min(MAX_FRAME));
                writer.queue(OpCode::Data(Data::Text), &frame)?;
            }
            writer.flush().await.map_err(cut)?;
        }
        Ok(())
    }

    /// Sends the end of the data: an empty binary frame, as racks expect it.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn end(&mut self) -> Result<(), CloseReason> {
        self.frame(OpCode::Data(Data::Binary), b"").await
    }

    /// Sends a ping. Its payload, of at most 125 bytes, is opaque to racks, which echo it.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), CloseReason> {
        self.frame(OpCode::Control(Control::Ping), payload).await
    }

    async fn frame(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), CloseReason> {
        let mut writer = self.writer.lock().await;
        writer.flush().await.map_err(cut)?;
        writer.queue(opcode, payload)?;
        writer.flush().await.map_err(cut)
    }
}

impl SocketReceiver {
    /// Returns the next piece of data, or the end. Cancel safe.
    ///
    /// # Errors
    /// A [`CloseReason`] that is not the end of the stream.
    pub async fn next(&mut self) -> Result<Frame, CloseReason> {
        if let Some(reason) = &self.broken {
            return Err(reason.clone());
        }
        let result = self.read().await;
        self.guard.note(&result);
        self.broken = result.as_ref().err().cloned();
        result
    }

    /// Waits until the peer closes the connection. For the time after the end of its data, when
    /// the sender may still have some.
    pub async fn closed(&mut self) {
        loop {
            self.frames.buffer().clear();
            if self.fill().await.is_err() {
                return;
            }
        }
    }

    /// Limits the size of one read, for sockets of which there are many.
    pub(crate) fn set_max_step(&mut self, bytes: usize) {
        self.max_step = bytes;
    }

    async fn read(&mut self) -> Result<Frame, CloseReason> {
        loop {
            match self.frames.take_next()? {
                Next::Frame(frame) => return Ok(frame),
                Next::Ping(payload) => self.pong = Some(payload),
                Next::Incomplete => self.fill().await?,
            }
        }
    }

    /// Moves bytes in either direction, or pings when it is time.
    async fn fill(&mut self) -> Result<(), CloseReason> {
        self.queue_pong()?;
        let buffer = self.frames.buffer();
        buffer.reserve(self.step);
        tokio::select! {
            flushed = flush_idle(&self.writer) => flushed.map_err(cut)?,
            read = self.reader.read_buf(buffer) => match read.map_err(cut)? {
                0 => return Err(CloseReason::Cut("no closing frame".to_owned())),
                count if count >= self.step => self.step = self.max_step,
                _ => {}
            },
            _ = self.pings.tick() => self.queue_ping()?,
        }
        Ok(())
    }

    fn queue_pong(&mut self) -> Result<(), CloseReason> {
        if self.pong.is_some()
            && let Ok(mut writer) = self.writer.try_lock()
            && let Some(payload) = self.pong.take()
        {
            writer.queue(OpCode::Control(Control::Pong), &payload)?;
        }
        Ok(())
    }

    /// While the sender holds the writer, data keeps the connection alive.
    fn queue_ping(&mut self) -> Result<(), CloseReason> {
        match self.writer.try_lock() {
            Ok(mut writer) => writer.queue(OpCode::Control(Control::Ping), b""),
            Err(_) => Ok(()),
        }
    }
}

/// Writes out what is queued, unless the sender is doing so.
async fn flush_idle(writer: &Mutex<Writer>) -> io::Result<()> {
    // The lock must not be held while there is nothing to write: the sender waits for it.
    if let Ok(mut writer) = writer.try_lock()
        && !writer.queued.is_empty()
    {
        return writer.flush().await;
    }
    std::future::pending().await
}

impl Writer {
    /// Queues a frame, masked as frames of clients are (RFC 6455, 5.3).
    fn queue(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), CloseReason> {
        let mut key = [0; 4];
        getrandom::fill(&mut key).map_err(|error| CloseReason::Cut(error.to_string()))?;
        let header = FrameHeader { opcode, mask: Some(key), ..FrameHeader::default() };
        header
            .format(payload.len() as u64, &mut self.queued)
            .map_err(|error| CloseReason::Invalid(error.to_string()))?;
        let start = self.queued.len();
        self.queued.extend_from_slice(payload);
        mask(&mut self.queued[start..], key);
        Ok(())
    }

    /// Writes what is queued. Cancel safe.
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

/// Masks or unmasks a payload (RFC 6455, 5.3).
fn mask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let mut wide_chunks = payload.chunks_exact_mut(8);
    for chunk in &mut wide_chunks {
        if let Ok(bytes) = <[u8; 8]>::try_from(&*chunk) {
            chunk.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
        }
    }
    for (byte, key) in wide_chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

pub(super) fn cut(error: io::Error) -> CloseReason {
    CloseReason::Cut(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn masking_twice_gives_the_payload_back_and_once_is_byte_by_byte(
            payload in prop::collection::vec(any::<u8>(), 0..100),
            key: [u8; 4],
        ) {
            let mut masked = payload.clone();
            mask(&mut masked, key);
            for (at, byte) in masked.iter().enumerate() {
                prop_assert_eq!(*byte, payload[at] ^ key[at % 4]);
            }
            mask(&mut masked, key);
            prop_assert_eq!(masked, payload);
        }
    }
}
