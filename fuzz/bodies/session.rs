//! The output of a session: the size of a read, then the stream, in which `#` is the exit marker.

use bytes::Bytes;
use convox_client::rack::{ExitScanner, StreamEnd};
use convox_wire::frame::EXIT_MARKER;

pub(crate) fn check(bytes: &[u8]) {
    let Some((step, stream)) = bytes.split_first() else { return };
    let mut with_markers = Vec::new();
    for byte in stream {
        match byte {
            b'#' => with_markers.extend_from_slice(EXIT_MARKER.as_bytes()),
            byte => with_markers.push(*byte),
        }
    }
    let whole = scan(&with_markers, with_markers.len(), false);
    let stepwise = scan(&with_markers, usize::from(*step), false);
    assert_eq!(whole, stepwise, "however it is cut");
    let impatient = scan(&with_markers, usize::from(*step), true);
    assert_eq!((impatient.1, &impatient.2), (whole.1, &whole.2), "however early it is shown");
    assert!(impatient.0.starts_with(&whole.0), "nothing is lost or shown twice");
    if whole.1.is_none() {
        assert_eq!(whole.0, with_markers);
    }
}

type Scanned = (Vec<u8>, Option<i32>, Option<String>);

fn scan(stream: &[u8], step: usize, impatient: bool) -> Scanned {
    let (mut scanner, mut output) = (ExitScanner::new(), Vec::new());
    for piece in stream.chunks(step.max(1)) {
        output.extend_from_slice(&scanner.push(Bytes::copy_from_slice(piece)));
        if impatient {
            output.extend_from_slice(&scanner.release());
            assert!(!scanner.holds_beginning());
        }
    }
    let StreamEnd { output: last, code, error } = scanner.finish();
    output.extend_from_slice(&last);
    (output, code, error)
}
