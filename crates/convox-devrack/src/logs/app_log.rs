//! The log of an app: files of lines `<time> <stream> <message>`, the oldest removed as new ones
//! come. Times are nanoseconds and never the same twice in an app, so that a client which was cut
//! off can go on exactly where it stood.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::text::{WholeLines, whole_characters};
use crate::clock::Clock;
use crate::directories;
use convox_wire::LogLine;

const PIECE: usize = 64 * 1024;
/// Bytes of a line's message.
const LONGEST: usize = 16 * 1024;

/// How much of an app's log is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogLimits {
    /// Bytes of a file.
    pub(crate) segment: u64,
    /// Number of files.
    pub(crate) segments: u64,
}

/// A time as log lines have it: of equal width, so that texts compare as times do.
pub(crate) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// The log of an app, or of the rack itself.
pub(crate) struct AppLog {
    folder: PathBuf,
    clock: Clock,
    limits: LogLimits,
    writer: Mutex<Writer>,
    place: watch::Sender<Place>,
}

/// Up to where a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    segment: u64,
    bytes: u64,
    closed: bool,
}

struct Writer {
    file: File,
    last: DateTime<Utc>,
}

impl AppLog {
    /// Opens the log in `folder`, which is made where it is missing.
    pub(crate) fn open(folder: PathBuf, clock: Clock, limits: LogLimits) -> io::Result<Self> {
        directories::create_private(&folder)?;
        let segment = segments(&folder).last().copied().unwrap_or(1);
        let file = open_segment(&folder, segment)?;
        let (bytes, last) = whole_lines(&file)?;
        file.set_len(bytes)?;
        let place = watch::Sender::new(Place { segment, bytes, closed: false });
        Ok(Self { folder, clock, limits, writer: Mutex::new(Writer { file, last }), place })
    }

    /// Adds a message, a line for each of its lines.
    pub(crate) fn write(&self, stream: &str, message: &str) {
        let mut writer = self.writer();
        let mut text = String::new();
        for line in lines(message) {
            let time = self.clock.now().max(writer.last + TimeDelta::nanoseconds(1));
            writer.last = time;
            text.push_str(&format!("{} {stream} {line}\n", stamp(time)));
        }
        // There is nobody to tell that a log cannot be written: the app goes on.
        if writer.file.write_all(text.as_bytes()).is_ok() {
            self.advance(&mut writer, text.len() as u64);
        }
    }

    fn advance(&self, writer: &mut Writer, written: u64) {
        let mut place = *self.place.borrow();
        place.bytes += written;
        if place.bytes >= self.limits.segment
            && let Ok(file) = open_segment(&self.folder, place.segment + 1)
        {
            writer.file = file;
            place = Place { segment: place.segment + 1, bytes: 0, ..place };
            self.drop_old(place.segment);
        }
        self.place.send_replace(place);
    }

    fn drop_old(&self, newest: u64) {
        for segment in segments(&self.folder) {
            if segment + self.limits.segments <= newest {
                // Tried again with the next file.
                let _ = std::fs::remove_file(segment_path(&self.folder, segment));
            }
        }
    }

    /// Ends the log: those who follow it come to an end.
    pub(crate) fn close(&self) {
        let _writer = self.writer();
        self.place.send_modify(|place| place.closed = true);
    }

    /// Reads from the oldest line kept; with `follow`, waits for new ones at the end.
    pub(crate) fn reader(self: &Arc<Self>, follow: bool) -> AppLogReader {
        let place = self.place.subscribe();
        let until = (!follow).then(|| *place.borrow());
        let segment = segments(&self.folder).first().copied().unwrap_or(1);
        AppLogReader {
            folder: self.folder.clone(),
            place,
            until,
            segment,
            bytes: 0,
            file: None,
            lines: WholeLines::default(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines of a message; one that is too long is told in several, as Docker does.
fn lines(message: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    for mut line in message.strip_suffix('\n').unwrap_or(message).split('\n') {
        while line.len() > LONGEST {
            let (head, rest) = line.split_at(whole_characters(line.as_bytes(), LONGEST));
            lines.push(head);
            line = rest;
        }
        lines.push(line);
    }
    lines
}

fn segment_path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:010}.log"))
}

fn segments(folder: &Path) -> Vec<u64> {
    let names = directories::file_names(folder);
    let mut numbers: Vec<u64> =
        names.iter().filter_map(|name| name.strip_suffix(".log")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

fn open_segment(folder: &Path, segment: u64) -> io::Result<File> {
    let path = segment_path(folder, segment);
    OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)
}

/// The length of what is whole in a file that a killed rack may have left half-written, and the
/// time of its last line.
fn whole_lines(file: &File) -> io::Result<(u64, DateTime<Utc>)> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(PIECE as u64);
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
    folder: PathBuf,
    place: watch::Receiver<Place>,
    /// Where to stop; `None` follows.
    until: Option<Place>,
    segment: u64,
    bytes: u64,
    file: Option<tokio::fs::File>,
    lines: WholeLines,
}

impl AppLogReader {
    /// The next whole lines; `None` at the end. Waits for new ones while following.
    pub(crate) async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            // Asked before reading: an empty read of an older file then means that it is over.
            let place = *self.place.borrow_and_update();
            if self.is_done() {
                return Ok(None);
            }
            let piece = self.read().await?;
            if !piece.is_empty() {
                self.bytes += piece.len() as u64;
                let text = self.lines.push(&piece);
                if !text.is_empty() {
                    return Ok(Some(text));
                }
            } else if self.segment < place.segment {
                self.next_segment();
            } else if place.closed || self.until.is_some() || self.place.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Goes on beyond where it would have stopped.
    pub(crate) fn follow(&mut self) {
        self.until = None;
    }

    /// Stops at what is written by now.
    pub(crate) fn end_here(&mut self) {
        self.until = Some(*self.place.borrow());
    }

    fn is_done(&self) -> bool {
        self.until.is_some_and(|end| (self.segment, self.bytes) >= (end.segment, end.bytes))
    }

    /// A piece of the file; empty at its present end, or where it is gone.
    async fn read(&mut self) -> io::Result<Vec<u8>> {
        let path = segment_path(&self.folder, self.segment);
        let mut piece = vec![0; self.room()];
        let file = match &mut self.file {
            Some(file) => file,
            none => match tokio::fs::File::open(path).await {
                Ok(file) => none.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error),
            },
        };
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        Ok(piece)
    }

    /// How much may be read at once: not beyond where to stop.
    fn room(&self) -> usize {
        match self.until {
            Some(end) if end.segment == self.segment => {
                usize::try_from(end.bytes - self.bytes).unwrap_or(PIECE).min(PIECE)
            }
            _ => PIECE,
        }
    }

    fn next_segment(&mut self) {
        let newer = segments(&self.folder).into_iter().find(|&segment| segment > self.segment);
        self.segment = newer.unwrap_or(self.segment + 1);
        self.bytes = 0;
        self.file = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: LogLimits = LogLimits { segment: 2000, segments: 4 };

    fn log(folder: &Path, clock: &Clock) -> Arc<AppLog> {
        Arc::new(AppLog::open(folder.to_path_buf(), clock.clone(), SMALL).unwrap())
    }

    async fn all(log: &Arc<AppLog>, follow: bool) -> Vec<String> {
        let mut reader = log.reader(follow);
        let mut text = String::new();
        while let Some(lines) = reader.next().await.unwrap() {
            text.push_str(&lines);
        }
        text.lines().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn times_grow_strictly_even_when_the_clock_stands_or_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let start: DateTime<Utc> = "2026-02-03T04:05:06Z".parse().unwrap();
        log(folder.path(), &Clock::at(start)).write("service/web/1", "a\nb\n");
        let earlier = start - TimeDelta::seconds(60);
        let again = log(folder.path(), &Clock::at(earlier));
        again.write("service/web/1", "c");
        let lines = all(&again, false).await;
        assert_eq!(
            lines,
            [
                "2026-02-03T04:05:06.000000000Z service/web/1 a",
                "2026-02-03T04:05:06.000000001Z service/web/1 b",
                "2026-02-03T04:05:06.000000002Z service/web/1 c",
            ]
        );
    }

    #[tokio::test]
    async fn old_lines_make_room_for_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), &Clock::system());
        for number in 0..1000 {
            log.write("s", &number.to_string());
        }
        let lines = all(&log, false).await;
        assert!(lines.last().unwrap().ends_with(" s 999"));
        assert!(lines.len() < 300 && lines.len() > 100, "{}", lines.len());
        assert_eq!(segments(folder.path()).len(), 4);
    }

    #[tokio::test]
    async fn a_follower_sees_each_line_once_across_files_and_the_seam() {
        let folder = tempfile::tempdir().unwrap();
        let limits = LogLimits { segment: 2000, segments: 1000 };
        let log = AppLog::open(folder.path().into(), Clock::system(), limits).map(Arc::new);
        let log = log.unwrap();
        for number in 0..100 {
            log.write("s", &number.to_string());
        }
        let followers: Vec<_> = (0..3)
            .map(|_| {
                let log = log.clone();
                tokio::spawn(async move { all(&log, true).await })
            })
            .collect();
        let writer = log.clone();
        tokio::task::spawn_blocking(move || {
            (100..3000).for_each(|number| writer.write("s", &number.to_string()));
            writer.close();
        })
        .await
        .unwrap();
        for follower in followers {
            let lines = follower.await.unwrap();
            assert_eq!(lines.len(), 3000);
            for (number, line) in lines.iter().enumerate() {
                assert!(line.ends_with(&format!(" s {number}")), "{line}");
            }
            assert!(lines.is_sorted());
        }
    }

    #[test]
    fn a_very_long_line_is_told_in_several() {
        let text = "€".repeat(10_000);
        let told = lines(&text);
        assert_eq!(told.len(), 2);
        assert_eq!(told.concat(), text);
        assert_eq!(lines(""), [""]);
        assert_eq!(lines("a\n\nb\n"), ["a", "", "b"]);
    }

    #[tokio::test]
    async fn a_line_that_a_kill_cut_short_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path(), &Clock::system()).write("s", "whole");
        let path = segment_path(folder.path(), 1);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"2026-02-03T04:05:06.0000").unwrap();
        let log = log(folder.path(), &Clock::system());
        log.write("s", "next");
        let lines = all(&log, false).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].ends_with(" s next"));
    }
}
