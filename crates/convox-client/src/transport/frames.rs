//! Decodes websocket frames (RFC 6455, 5.2) from bytes, without any I/O.
//!
//! tungstenite parses the frame headers. Its message layer is not used: racks send text frames that
//! are not UTF-8 or split a character, which it must refuse.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::socket::CloseReason;
use convox_wire::frame::Frame;

/// The largest payload of a control frame (RFC 6455, 5.5).
const MAX_CONTROL: u64 = 125;

/// Decodes the bytes of a socket. A large frame is returned in parts as they arrive, so memory does
/// not grow with it.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
    /// The frame whose header was read, and how many bytes of its payload are to come.
    remaining: Option<(FrameHeader, u64)>,
    ended: bool,
}

/// What a socket contains next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Data, or the end of the stream.
    Frame(Frame),
    /// A ping, to be answered with the same payload (RFC 6455, 5.5.2).
    Ping(Bytes),
    /// More bytes have to be read first.
    Incomplete,
}

impl FrameDecoder {
    /// Creates an empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// The buffer to read into.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Decodes the next item. After the end of the stream it always returns the end.
    ///
    /// # Errors
    /// [`CloseReason`] if the bytes violate RFC 6455, or close the socket with an error code.
    pub fn take_next(&mut self) -> Result<Next, CloseReason> {
        if self.ended {
            return Ok(Next::Frame(Frame::End));
        }
        let next = self.take()?;
        self.ended = next == Next::Frame(Frame::End);
        Ok(next)
    }

    fn take(&mut self) -> Result<Next, CloseReason> {
        while let Some((header, length)) = self.take_header()? {
            match header.opcode {
                OpCode::Data(Data::Binary) => return Ok(Next::Frame(Frame::End)),
                OpCode::Data(_) if length == 0 => {}
                OpCode::Data(_) => return Ok(self.take_data(header, length)),
                OpCode::Control(_) if length > MAX_CONTROL => {
                    return Err(CloseReason::Invalid(
                        "a control frame of more than 125 bytes".into(),
                    ));
                }
                OpCode::Control(control) => {
                    let Some(payload) = self.take_whole(length) else {
                        self.remaining = Some((header, length));
                        return Ok(Next::Incomplete);
                    };
                    match control {
                        Control::Ping => return Ok(Next::Ping(payload)),
                        Control::Close => return decode_close(&payload).map(Next::Frame),
                        Control::Pong | Control::Reserved(_) => {}
                    }
                }
            }
        }
        Ok(Next::Incomplete)
    }

    fn take_header(&mut self) -> Result<Option<(FrameHeader, u64)>, CloseReason> {
        if let Some(left) = self.remaining.take() {
            return Ok(Some(left));
        }
        let mut cursor = Cursor::new(&self.buffer[..]);
        let parsed = FrameHeader::parse(&mut cursor);
        let length = usize::try_from(cursor.position()).unwrap_or_default();
        self.buffer.advance(length);
        let parsed = parsed.map_err(|error| CloseReason::Invalid(error.to_string()))?;
        if parsed.as_ref().is_some_and(|(header, _)| header.mask.is_some()) {
            return Err(CloseReason::Invalid("a masked frame from a server".into()));
        }
        Ok(parsed)
    }

    fn take_data(&mut self, header: FrameHeader, length: u64) -> Next {
        let here = usize::try_from(length).unwrap_or(usize::MAX).min(self.buffer.len());
        let rest = length - here as u64;
        if rest > 0 {
            self.remaining = Some((header, rest));
        }
        if here == 0 {
            return Next::Incomplete;
        }
        Next::Frame(Frame::Data(self.buffer.split_to(here).freeze()))
    }

    fn take_whole(&mut self, length: u64) -> Option<Bytes> {
        let needed = usize::try_from(length).unwrap_or(usize::MAX);
        (self.buffer.len() >= needed).then(|| self.buffer.split_to(needed).freeze())
    }
}

/// A close frame: 1000, 1001 and the absence of a code end the stream.
fn decode_close(payload: &[u8]) -> Result<Frame, CloseReason> {
    match payload {
        [high, low, ..] => match u16::from_be_bytes([*high, *low]) {
            1000 | 1001 => Ok(Frame::End),
            code => Err(CloseReason::Code(code)),
        },
        _ => Ok(Frame::End),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: u8 = 0x81;
    const BINARY: u8 = 0x82;
    const CLOSE: u8 = 0x88;
    const PING: u8 = 0x89;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..126 => bytes.push(u8::try_from(length).unwrap()),
            length => {
                bytes.push(126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    /// Decodes `bytes` in steps: the data together, the pings, and how it ended.
    fn read(bytes: &[u8], step: usize) -> (Vec<u8>, Vec<Bytes>, Option<Result<(), CloseReason>>) {
        let (mut frames, mut data, mut pings) = (FrameDecoder::new(), Vec::new(), Vec::new());
        for piece in bytes.chunks(step.max(1)) {
            frames.buffer().extend_from_slice(piece);
            loop {
                match frames.take_next() {
                    Ok(Next::Incomplete) => break,
                    Ok(Next::Ping(payload)) => pings.push(payload),
                    Ok(Next::Frame(Frame::Data(piece))) => data.extend_from_slice(&piece),
                    Ok(Next::Frame(Frame::End)) => return (data, pings, Some(Ok(()))),
                    Err(ending) => return (data, pings, Some(Err(ending))),
                }
            }
        }
        (data, pings, None)
    }

    #[test]
    fn a_binary_frame_and_a_normal_close_end_the_stream() {
        for end in [frame(BINARY, b""), frame(CLOSE, b""), frame(CLOSE, &[3, 232])] {
            let bytes = [frame(TEXT, b"one\n"), end, frame(TEXT, b"never")].concat();
            assert_eq!(read(&bytes, 3), (b"one\n".to_vec(), vec![], Some(Ok(()))));
        }
    }

    #[test]
    fn invalid_frames_and_other_close_codes_are_errors() {
        let ended = |bytes: Vec<u8>| read(&bytes, 1).2;
        assert_eq!(ended(frame(CLOSE, &[3, 243])), Some(Err(CloseReason::Code(1011))));
        let long = frame(PING, &[0; 126]);
        assert!(matches!(ended(long), Some(Err(CloseReason::Invalid(_)))));
        let masked = vec![TEXT, 0x81, 1, 2, 3, 4, 5];
        assert!(matches!(ended(masked), Some(Err(CloseReason::Invalid(_)))));
    }

    proptest! {
        #[test]
        fn frames_decode_alike_however_they_are_split(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
            ping in prop::collection::vec(any::<u8>(), 0..125),
            step in 1usize..700,
        ) {
            let mut bytes: Vec<u8> = payloads.iter().flat_map(|p| frame(TEXT, p)).collect();
            bytes.extend(frame(PING, &ping));
            let wanted = (payloads.concat(), vec![Bytes::from(ping)], None);
            prop_assert_eq!(read(&bytes, step), wanted);
        }
    }
}
