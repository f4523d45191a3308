//! Log sockets: the size of a read, then what is received.

use convox_client::transport::CloseReason;
use convox_client::transport::frames::{FrameDecoder, Next};
use convox_wire::LogLine;
use convox_wire::frame::{Frame, refusal};

pub(crate) fn check(bytes: &[u8]) {
    let Some((step, wire)) = bytes.split_first() else { return };
    let whole = read(wire, wire.len());
    let stepwise = read(wire, usize::from(*step));
    assert_eq!(whole.data, stepwise.data, "however it is cut");
    assert_eq!((whole.pings, whole.end), (stepwise.pings, stepwise.end));
    assert!(refusal(&whole.data).is_none_or(|words| !words.contains('\n')));
    for line in String::from_utf8_lossy(&whole.data).lines() {
        if let Some(line) = LogLine::parse(line) {
            assert!(!line.stream.contains(' '));
        }
    }
}

#[derive(Default)]
struct Seen {
    data: Vec<u8>,
    pings: Vec<Vec<u8>>,
    end: Option<Result<(), CloseReason>>,
}

fn read(wire: &[u8], step: usize) -> Seen {
    let (mut frames, mut seen) = (FrameDecoder::new(), Seen::default());
    for piece in wire.chunks(step.max(1)) {
        frames.buffer().extend_from_slice(piece);
        loop {
            match frames.take_next() {
                Ok(Next::Incomplete) => break,
                Ok(Next::Ping(payload)) => seen.pings.push(payload.to_vec()),
                Ok(Next::Frame(Frame::Data(data))) => seen.data.extend_from_slice(&data),
                Ok(Next::Frame(Frame::End)) => seen.end = Some(Ok(())),
                Err(ending) => seen.end = Some(Err(ending)),
            }
            if seen.end.is_some() {
                return seen;
            }
        }
    }
    seen
}
