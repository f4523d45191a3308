//! Websocket frames (RFC 6455, 5.2), as far as a server and a proxy have to know them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// A text frame of a server.
pub(crate) fn text(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

/// The frames with which racks end a log: an empty binary one, and an ordinary close.
pub(crate) fn end() -> Vec<u8> {
    [frame(BINARY, b""), close(1000)].concat()
}

/// A frame that closes the connection with this code.
pub(crate) fn close(code: u16) -> Vec<u8> {
    frame(CLOSE, &code.to_be_bytes())
}

/// A ping with the largest payload that it may have.
pub(crate) fn ping() -> Vec<u8> {
    frame(PING, &[b'x'; 125])
}

/// A whole frame, not masked.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()).unwrap() {
        length @ ..126 => frame.push(u8::try_from(length).unwrap()),
        length => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A frame as it is on the wire.
struct Frame {
    opcode: u8,
    raw: Vec<u8>,
}

async fn next(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let mut raw = vec![0; 2];
    from.read_exact(&mut raw).await?;
    let extended = match raw[1] & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let masked = raw[1] & 0x80 != 0;
    let mut more = vec![0; extended];
    from.read_exact(&mut more).await?;
    let length = match extended {
        0 => u64::from(raw[1] & 0x7F),
        _ => more.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    raw.extend_from_slice(&more);
    let mut rest = vec![0; usize::try_from(length).unwrap() + if masked { 4 } else { 0 }];
    from.read_exact(&mut rest).await?;
    raw.extend_from_slice(&rest);
    Ok(Frame { opcode: raw[0] & 0x0F, raw })
}

/// Passes frames on, up to those that end the log.
pub(crate) async fn pass_without_end(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    loop {
        let frame = next(from).await?;
        if matches!(frame.opcode, BINARY | CLOSE) {
            return Ok(());
        }
        to.write_all(&frame.raw).await?;
    }
}

/// Passes all frames on, and counts the pings.
pub(crate) async fn pass_counting_pings(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    pings: &watch::Sender<usize>,
) -> io::Result<()> {
    loop {
        let frame = next(from).await?;
        if frame.opcode == PING {
            pings.send_modify(|pings| *pings += 1);
        }
        to.write_all(&frame.raw).await?;
    }
}
