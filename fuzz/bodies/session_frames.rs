//! The websocket of a session: sizes of frames up to a NUL, then the output, in which `#` is the exit
//! marker. However it is split into frames, and these into reads, the same comes out.

use bytes::Bytes;
use convox_client::rack::{ExitScanner, StreamEnd};
use convox_client::transport::frames::{FrameDecoder, Next};
use convox_wire::frame::{EXIT_MARKER, Frame};

pub(crate) fn check(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (sizes, output) = bytes.split_at(at);
    let output = output.strip_prefix(b"\0").unwrap_or(output);
    let mut stream = Vec::new();
    for byte in output {
        match byte {
            b'#' => stream.extend_from_slice(EXIT_MARKER.as_bytes()),
            byte => stream.push(*byte),
        }
    }
    let whole = received(&stream, &[], usize::MAX);
    let step = sizes.iter().map(|size| usize::from(*size)).sum::<usize>() % 40 + 1;
    assert_eq!(received(&stream, sizes, step), whole, "however it is cut");
    assert!(stream.starts_with(&whole.0), "nothing is lost before the marker");
    match whole.1 {
        // Whatever looks like a marker is output.
        None => assert_eq!(whole.0, stream),
        Some(_) => assert!(stream[whole.0.len()..].starts_with(EXIT_MARKER.as_bytes())),
    }
}

/// What is shown of the output, and the exit code.
fn received(stream: &[u8], sizes: &[u8], step: usize) -> (Vec<u8>, Option<i32>) {
    let (mut frames, mut scanner, mut shown) =
        (FrameDecoder::new(), ExitScanner::new(), Vec::new());
    let wire = wire(stream, sizes);
    'reads: for read in wire.chunks(step.min(wire.len())) {
        frames.buffer().extend_from_slice(read);
        loop {
            match frames.take_next().expect("valid frames") {
                Next::Incomplete => break,
                Next::Ping(_) => {}
                Next::Frame(Frame::Data(data)) => {
                    shown.extend_from_slice(&scanner.push(Bytes::from(data.to_vec())));
                }
                Next::Frame(Frame::End) => break 'reads,
            }
        }
    }
    let StreamEnd { output, code, .. } = scanner.finish();
    shown.extend_from_slice(&output);
    (shown, code)
}

/// Text frames of these sizes, in turn, and the end.
fn wire(mut stream: &[u8], sizes: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while !stream.is_empty() {
        let size = sizes.next().map_or(stream.len(), |size| usize::from(*size));
        let (payload, rest) = stream.split_at(size.min(stream.len()));
        frame(&mut wire, payload);
        stream = rest;
    }
    wire.extend_from_slice(&[0x82, 0]);
    wire
}

fn frame(wire: &mut Vec<u8>, payload: &[u8]) {
    wire.push(0x81);
    match u8::try_from(payload.len()) {
        Ok(length @ ..126) => wire.push(length),
        _ => {
            wire.push(127);
            wire.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    wire.extend_from_slice(payload);
}
