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

fn closing_after(left: usize) -> (Stream, Captured) {
    let seen = Captured::default();
    (Stream::buffered(ClosingPipe { left, seen: seen.clone() }, TermCaps::plain()), seen)
}

#[test]
fn stdout_is_buffered_and_stderr_is_not() {
    let (mut stdio, out, err) = Stdio::captured(TermCaps::plain());
    stdio.out.print("Starting build... ").unwrap();
    assert_eq!(out.text(), "");
    stdio.out.flush().unwrap();
    assert_eq!(out.text(), "Starting build... ");
    stdio.err.print("now").unwrap();
    assert_eq!(err.text(), "now");
}

#[test]
fn stdout_is_flushed_before_a_line_on_stderr() {
    let (mut stdio, out, err) = Stdio::captured(TermCaps::plain());
    stdio.out.print("Promoting R1... ").unwrap();
    stdio.error_line("ERROR: rollback").unwrap();
    assert_eq!(
        (out.text().as_str(), err.text().as_str()),
        ("Promoting R1... ", "ERROR: rollback\n")
    );
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
fn transient_text_is_erased_by_whatever_follows() {
    let caps = TermCaps { is_terminal: true, redraws: true, ..TermCaps::plain() };
    let (mut stdio, out, err) = Stdio::captured(caps);
    stdio.out.print("Waiting... ").unwrap();
    stdio.out.show_transient("9s").unwrap();
    stdio.out.show_transient("10s").unwrap();
    assert_eq!(out.text(), "Waiting... 9s\u{1b}[2D\u{1b}[K10s");
    stdio.error_line("NOTICE: slow").unwrap();
    assert!(out.text().ends_with("10s\u{1b}[3D\u{1b}[K") && err.text().starts_with("NOTICE"));
    stdio.out.print("OK\n").unwrap();
    stdio.out.flush().unwrap();
    assert!(out.text().ends_with("10s\u{1b}[3D\u{1b}[KOK\n"));
}

#[test]
fn streams_that_cannot_redraw_show_no_transient_text() {
    let (mut stdio, out, _) = Stdio::captured(TermCaps::plain());
    stdio.out.show_transient("9s").unwrap();
    stdio.flush().unwrap();
    assert_eq!(out.text(), "");
}

#[test]
fn stderr_is_written_even_if_stdout_is_closed() {
    let (mut stdio, _, err) = Stdio::captured(TermCaps::plain());
    stdio.out = closing_after(0).0;
    stdio.out.print("x").unwrap();
    assert!(matches!(stdio.error_line("said"), Err(OutputError::Closed)));
    assert_eq!(err.text(), "said\n");
}

#[test]
fn other_failures_keep_their_reason() {
    let full = io::Error::new(ErrorKind::StorageFull, "no space left");
    let error = OutputError::from(full).to_string();
    assert_eq!(error, "can't write the output: no space left");
}
