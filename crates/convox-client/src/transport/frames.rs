//! Bytes from a socket become frames (RFC 6455, 5.2). No connection in sight.
//!
//! The frames' headers are tungstenite's; its message layer is not used, since racks send text
//! frames that are no UTF-8 and split characters, which it must refuse.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::socket::CloseReason;
use convox_wire::frame::Frame;

/// The most that a control frame may carry (RFC 6455, 5.5).
const CONTROL_MOST: u64 = 125;

/// What came of a socket and was not looked at yet. A frame of any size is passed on in pieces,
/// as far as it is there, so memory does not grow with it.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
    /// What is left of the frame whose header was read.
    left: Option<(FrameHeader, u64)>,
    ended: bool,
}

/// What is next in a socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// For whoever reads.
    Frame(Frame),
    /// To be answered with the same bytes (RFC 6455, 5.5.2).
    Ping(Bytes),
    /// More has to be read first.
    Incomplete,
}

impl FrameDecoder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where what is read is to be put.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// What the bytes so far hold. After the end there is nothing but the end.
    ///
    /// # Errors
    /// [`CloseReason`], where they are not what RFC 6455 allows, or close with an error.
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
                OpCode::Control(_) if length > CONTROL_MOST => {
                    return Err(CloseReason::Invalid(
                        "a control frame of more than 125 bytes".into(),
                    ));
                }
                OpCode::Control(control) => {
                    let Some(payload) = self.take_whole(length) else {
                        self.left = Some((header, length));
                        return Ok(Next::Incomplete);
                    };
                    match control {
                        Control::Ping => return Ok(Next::Ping(payload)),
                        Control::Close => return closed(&payload).map(Next::Frame),
                        Control::Pong | Control::Reserved(_) => {}
                    }
                }
            }
        }
        Ok(Next::Incomplete)
    }

    fn take_header(&mut self) -> Result<Option<(FrameHeader, u64)>, CloseReason> {
        if let Some(left) = self.left.take() {
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
            self.left = Some((header, rest));
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

/// A closing frame: 1000, 1001 and no code at all are the end of the stream.
fn closed(payload: &[u8]) -> Result<Frame, CloseReason> {
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

    /// All that comes of `bytes`, read in steps: data together, pings, and how it ended.
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
    fn a_binary_frame_and_a_usual_close_are_the_end() {
        for end in [frame(BINARY, b""), frame(CLOSE, b""), frame(CLOSE, &[3, 232])] {
            let bytes = [frame(TEXT, b"one\n"), end, frame(TEXT, b"never")].concat();
            assert_eq!(read(&bytes, 3), (b"one\n".to_vec(), vec![], Some(Ok(()))));
        }
    }

    #[test]
    fn what_the_rfc_forbids_and_other_closes_are_no_end() {
        let ended = |bytes: Vec<u8>| read(&bytes, 1).2;
        assert_eq!(ended(frame(CLOSE, &[3, 243])), Some(Err(CloseReason::Code(1011))));
        let long = frame(PING, &[0; 126]);
        assert!(matches!(ended(long), Some(Err(CloseReason::Invalid(_)))));
        let masked = vec![TEXT, 0x81, 1, 2, 3, 4, 5];
        assert!(matches!(ended(masked), Some(Err(CloseReason::Invalid(_)))));
    }

    proptest! {
        #[test]
        fn frames_are_the_same_however_they_are_cut(
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
