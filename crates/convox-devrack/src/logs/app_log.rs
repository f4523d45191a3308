//! The log of an app: segment files of lines `<time> <stream> <message>`, of which the oldest are
//! removed as new ones are added. Times have nanoseconds and strictly increase within an app, so a
//! client that was disconnected can resume exactly where it stopped.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::text::{LineBuffer, complete_chars};
use crate::clock::Clock;
use crate::directories;
use convox_wire::LogLine;

const CHUNK: usize = 64 * 1024;
/// Maximum length of a line's message, in bytes.
const MAX_LINE: usize = 16 * 1024;

/// How much text waits in memory while it can't be written.
const MAX_PENDING: usize = 256 * 1024;

/// How much of a log is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogLimits {
    /// Size of a segment, in bytes.
    pub(crate) segment: u64,
    /// Number of segments.
    pub(crate) segments: u64,
}

/// Formats a time as in log lines: with a fixed width, so that times compare as strings.
pub(crate) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// The log of an app, or of the rack itself.
pub(crate) struct AppLog {
    dir: PathBuf,
    clock: Clock,
    limits: LogLimits,
    writer: Mutex<Writer>,
    position: watch::Sender<Position>,
}

/// The end of the written part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    segment: u64,
    bytes: u64,
    closed: bool,
}

struct Writer {
    /// The time of the last line.
    last: DateTime<Utc>,
    /// Lines that are not written yet, because the disk was full or no file could be opened.
    pending: String,
    /// The number of lines dropped because too many were pending.
    lost: usize,
    /// Whether the last write failed, and may have left a part of a line in the file.
    failed: bool,
}

impl Writer {
    fn add(&mut self, now: DateTime<Utc>, stream: &str, line: &str) {
        self.last = now.max(self.last + TimeDelta::nanoseconds(1));
        if self.pending.len() < MAX_PENDING {
            self.pending.push_str(&format!("{} {stream} {line}\n", stamp(self.last)));
        } else {
            self.lost += 1;
        }
    }
}

impl AppLog {
    /// Opens the log in `dir`, which is created if missing.
    pub(crate) fn open(dir: PathBuf, clock: Clock, limits: LogLimits) -> io::Result<Self> {
        directories::create_private(&dir)?;
        let segment = segments(&dir).last().copied().unwrap_or(1);
        let file = open_segment(&dir, segment)?;
        let (bytes, last) = whole_lines(&file)?;
        file.set_len(bytes)?;
        let position = watch::Sender::new(Position { segment, bytes, closed: false });
        let writer = Writer { last, pending: String::new(), lost: 0, failed: false };
        Ok(Self { dir, clock, limits, writer: Mutex::new(writer), position })
    }

    /// Appends a message, one log line for each of its lines. If it can't be written, it is kept in
    /// memory and written together with the next message: a failure must not stop the app.
    pub(crate) fn write(&self, stream: &str, message: &str) {
        let mut writer = self.writer();
        if self.position.borrow().closed {
            return;
        }
        let now = self.clock.now();
        lines(message).into_iter().for_each(|line| writer.add(now, stream, line));
        if self.flush(&mut writer).is_ok() && writer.lost > 0 {
            let lines = std::mem::take(&mut writer.lost);
            let message = format!("lines lost, as the log could not be written: {lines}");
            writer.add(now, "system/rack", &message);
            // Written with the next message if it fails.
            let _ = self.flush(&mut writer);
        }
    }

    /// Writes the pending lines. The file is opened each time, as apps may be many and descriptors
    /// few.
    fn flush(&self, writer: &mut Writer) -> io::Result<()> {
        let position = *self.position.borrow();
        let mut file = open_segment(&self.dir, position.segment)?;
        if writer.failed {
            file.set_len(position.bytes)?;
        }
        writer.failed = true;
        file.write_all(writer.pending.as_bytes()).inspect_err(|_| {
            // Repeated before the next write.
            let _ = file.set_len(position.bytes);
        })?;
        writer.failed = false;
        self.advance(position, writer.pending.len() as u64);
        writer.pending.clear();
        Ok(())
    }

    fn advance(&self, mut position: Position, written: u64) {
        position.bytes += written;
        if position.bytes >= self.limits.segment {
            position = Position { segment: position.segment + 1, bytes: 0, ..position };
            self.drop_old(position.segment);
        }
        self.position.send_replace(position);
    }

    fn drop_old(&self, newest: u64) {
        for segment in segments(&self.dir) {
            if segment + self.limits.segments <= newest {
                // Retried with the next segment.
                let _ = std::fs::remove_file(segment_path(&self.dir, segment));
            }
        }
    }

    /// Closes the log, which ends its followers.
    pub(crate) fn close(&self) {
        let _writer = self.writer();
        self.position.send_modify(|position| position.closed = true);
    }

    /// Returns a reader from the oldest line kept. With `follow` it waits for new lines at the end.
    pub(crate) fn reader(self: &Arc<Self>, follow: bool) -> AppLogReader {
        let position = self.position.subscribe();
        let until = (!follow).then(|| *position.borrow());
        let segment = segments(&self.dir).first().copied().unwrap_or(1);
        AppLogReader {
            dir: self.dir.clone(),
            position,
            until,
            segment,
            bytes: 0,
            file: None,
            lines: LineBuffer::default(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Splits a message into lines, and lines that are too long into several, as Docker does.
fn lines(message: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    for mut line in message.strip_suffix('\n').unwrap_or(message).split('\n') {
        while line.len() > MAX_LINE {
            let (head, rest) = line.split_at(complete_chars(line.as_bytes(), MAX_LINE));
            lines.push(head);
            line = rest;
        }
        lines.push(line);
    }
    lines
}

fn segment_path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:010}.log"))
}

fn segments(dir: &Path) -> Vec<u64> {
    let names = directories::file_names(dir);
    let mut numbers: Vec<u64> =
        names.iter().filter_map(|name| name.strip_suffix(".log")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

fn open_segment(dir: &Path, segment: u64) -> io::Result<File> {
    let path = segment_path(dir, segment);
    OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)
}

/// Returns the length of the file's complete lines and the time of the last one. A rack that was
/// killed may have left an incomplete line.
fn whole_lines(file: &File) -> io::Result<(u64, DateTime<Utc>)> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(CHUNK as u64);
    let mut tail = vec![0; usize::try_from(length - start).unwrap_or(0)];
    file.read_exact_at(&mut tail, start)?;
    let Some(newline) = tail.iter().rposition(|&byte| byte == b'\n') else {
        return Ok((start, DateTime::UNIX_EPOCH));
    };
    let lines = String::from_utf8_lossy(&tail[..newline]);
    let last = lines.rsplit('\n').find_map(LogLine::parse);
    Ok((start + newline as u64 + 1, last.map_or(DateTime::UNIX_EPOCH, |line| line.time)))
}

/// Reads a log in order.
pub(crate) struct AppLogReader {
    dir: PathBuf,
    position: watch::Receiver<Position>,
    /// Where to stop; `None` to follow.
    until: Option<Position>,
    segment: u64,
    bytes: u64,
    file: Option<tokio::fs::File>,
    lines: LineBuffer,
}

impl AppLogReader {
    /// Returns the next complete lines, or `None` at the end. When following, waits for new lines.
    pub(crate) async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            // Taken before reading, so that an empty read of an older segment means that it is
            // exhausted.
            let position = *self.position.borrow_and_update();
            if self.is_done() {
                return Ok(None);
            }
            let chunk = self.read(self.chunk_size(position)).await?;
            if !chunk.is_empty() {
                self.bytes += chunk.len() as u64;
                let text = self.lines.push(&chunk);
                if !text.is_empty() {
                    return Ok(Some(text));
                }
            } else if self.segment < position.segment {
                self.next_segment();
            } else if position.closed
                || self.until.is_some()
                || self.position.changed().await.is_err()
            {
                return Ok(None);
            }
        }
    }

    /// Continues past the original end.
    pub(crate) fn follow(&mut self) {
        self.until = None;
    }

    /// Stops at the current end of the log.
    pub(crate) fn end_here(&mut self) {
        self.until = Some(*self.position.borrow());
    }

    fn is_done(&self) -> bool {
        self.until.is_some_and(|end| (self.segment, self.bytes) >= (end.segment, end.bytes))
    }

    /// Reads a chunk; empty at the current end of the file, or if the file was removed.
    async fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let path = segment_path(&self.dir, self.segment);
        let mut chunk = vec![0; max];
        let file = match &mut self.file {
            Some(file) => file,
            slot => match tokio::fs::File::open(path).await {
                Ok(file) => slot.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error),
            },
        };
        let count = file.read(&mut chunk).await?;
        chunk.truncate(count);
        Ok(chunk)
    }

    /// Returns how many bytes to read at most, so as not to pass the end: behind it there may be a
    /// part of a line that will be removed.
    fn chunk_size(&self, position: Position) -> usize {
        let end = self.until.unwrap_or(position);
        if end.segment > self.segment {
            return CHUNK;
        }
        usize::try_from(end.bytes.saturating_sub(self.bytes)).unwrap_or(CHUNK).min(CHUNK)
    }

    fn next_segment(&mut self) {
        let newer = segments(&self.dir).into_iter().find(|&segment| segment > self.segment);
        self.segment = newer.unwrap_or(self.segment + 1);
        self.bytes = 0;
        self.file = None;
    }
}

#[cfg(test)]
mod tests;
