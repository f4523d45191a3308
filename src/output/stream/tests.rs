use super::super::stdio::Stdio;
use super::*;

/// A pipe whose reader closes it after some bytes.
struct ClosingPipe {
    left: usize,
    seen: Captured,
}

impl Write for ClosingPipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        self.seen.write(&bytes[..taken])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream into such a pipe, and what its reader has seen.
pub(in super::super) fn closing_after(left: usize) -> (Stream, Captured) {
    let seen = Captured::default();
    (Stream::buffered(ClosingPipe { left, seen: seen.clone() }, TermCaps::plain()), seen)
}

/// A disk that is full.
struct FullDisk;

impl Write for FullDisk {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn writes_of_any_size_arrive_in_order() {
    let (mut stdio, out, _) = Stdio::captured(TermCaps::plain());
    let mut expected = Vec::new();
    for (number, size) in [10, BUFFER - 1, 5, BUFFER, 3 * BUFFER, 1].into_iter().enumerate() {
        let bytes = vec![b'a' + u8::try_from(number).unwrap(); size];
        stdio.out.write_all(&bytes).unwrap();
        expected.extend(bytes);
    }
    stdio.flush().unwrap();
    assert!(out.bytes() == expected);
}

#[test]
fn a_closed_pipe_stops_a_command_that_reads() {
    let (mut stream, seen) = closing_after(3);
    stream.print("one\ntwo\n").unwrap();
    assert!(matches!(stream.flush().map_err(OutputError::from), Err(OutputError::Closed)));
    assert_eq!(seen.text(), "one");
    stream.print("three").unwrap();
    assert!(matches!(stream.flush().map_err(OutputError::from), Err(OutputError::Closed)));
}

#[test]
fn a_closed_pipe_does_not_stop_a_command_that_writes() {
    let (mut stream, seen) = closing_after(3);
    stream.set_on_broken_pipe(OnBrokenPipe::Discard);
    for _ in 0..3 {
        stream.print("one\ntwo\n").unwrap();
        stream.flush().unwrap();
    }
    assert_eq!(seen.text(), "one");
}

#[test]
fn output_that_a_full_disk_loses_is_remembered_and_a_closed_pipe_is_not() {
    let mut stream = Stream::buffered(FullDisk, TermCaps::plain());
    stream.set_on_broken_pipe(OnBrokenPipe::Discard);
    stream.print("RABC\n").unwrap();
    stream.flush().unwrap();
    assert!(matches!(stream.take_lost(), Some(OutputError::Failed(_))));
    assert!(stream.take_lost().is_none());
    let (mut stream, _) = closing_after(0);
    stream.set_on_broken_pipe(OnBrokenPipe::Discard);
    stream.print("RABC\n").unwrap();
    stream.flush().unwrap();
    assert!(stream.take_lost().is_none());
}

#[test]
fn streams_that_cannot_redraw_show_no_transient_text() {
    let (mut stdio, out, _) = Stdio::captured(TermCaps::plain());
    stdio.out.show_transient("9s").unwrap();
    stdio.flush().unwrap();
    assert_eq!(out.text(), "");
}

#[test]
fn other_failures_keep_their_reason() {
    let full = io::Error::new(ErrorKind::StorageFull, "no space left");
    let error = OutputError::from(full).to_string();
    assert_eq!(error, "can't write the output: no space left");
}
