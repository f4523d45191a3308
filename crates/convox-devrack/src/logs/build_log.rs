//! The log of a build: one file, which every reader reads from its start. Live and stored logs are
//! identical.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::text::LineBuffer;
use convox_wire::BuildId;

const CHUNK: usize = 64 * 1024;
/// The size of a log above which only its last lines are kept.
const MAX_LOG: u64 = 64 << 20;
/// The size of those last lines.
const MAX_TAIL: usize = 64 * 1024;

/// The logs of the builds in progress.
#[derive(Clone, Default)]
pub(crate) struct BuildLogs {
    live: Arc<Mutex<HashMap<BuildId, Arc<BuildLog>>>>,
}

impl BuildLogs {
    /// Starts the log of a build, or continues one of an earlier rack.
    pub(crate) fn begin(&self, build: &BuildId, path: &Path) -> io::Result<Arc<BuildLog>> {
        let log = Arc::new(BuildLog::open(path, MAX_LOG)?);
        self.live().insert(build.clone(), log.clone());
        Ok(log)
    }

    /// Ends the log of a build, which ends its readers.
    pub(crate) fn end(&self, build: &BuildId) {
        if let Some(log) = self.live().remove(build) {
            log.end();
        }
    }

    /// Returns whether the log of the build with this id is being written.
    pub(crate) fn is_live(&self, build: &str) -> bool {
        self.live().keys().any(|id| id.as_str() == build)
    }

    /// Returns a reader of a live or stored log.
    pub(crate) fn reader(&self, build: &BuildId, path: PathBuf) -> BuildLogReader {
        let live = self.live().get(build).map(|log| log.written.subscribe());
        BuildLogReader {
            path,
            live,
            file: None,
            bytes: 0,
            lines: LineBuffer::default(),
            ended: false,
        }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<BuildId, Arc<BuildLog>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log that is being written.
pub(crate) struct BuildLog {
    writer: Mutex<Writer>,
    written: watch::Sender<Written>,
    max: u64,
}

struct Writer {
    file: File,
    /// Whether the last write failed, and may have left a part of a line in the file.
    failed: bool,
    /// The last lines of a log that has reached its limit, to be written at its end.
    tail: VecDeque<String>,
    tail_bytes: usize,
    left_out: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Written {
    bytes: u64,
    ended: bool,
}

impl BuildLog {
    fn open(path: &Path, max: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        let written = watch::Sender::new(Written { bytes, ended: false });
        let (tail, tail_bytes, left_out) = (VecDeque::new(), 0, 0);
        let writer = Mutex::new(Writer { file, failed: false, tail, tail_bytes, left_out });
        Ok(Self { writer, written, max })
    }

    /// Appends a line, adding a newline if it has none. Of a log that exceeds its limit, the last
    /// lines are kept.
    pub(crate) fn line(&self, text: &str) {
        let mut line = text.to_owned();
        if !line.ends_with('\n') {
            line.push('\n');
        }
        let mut writer = self.writer();
        if self.written.borrow().bytes < self.max {
            self.append(&mut writer, &line);
        } else {
            writer.keep(line);
        }
    }

    fn end(&self) {
        let mut writer = self.writer();
        if writer.left_out > 0 {
            let note = format!("[lines of the log that are left out: {}]\n", writer.left_out);
            self.append(&mut writer, &note);
        }
        let tail: String = writer.tail.drain(..).collect();
        self.append(&mut writer, &tail);
        self.written.send_modify(|written| written.ended = true);
    }

    /// A log that can't be written must not fail its build.
    fn append(&self, writer: &mut Writer, text: &str) {
        let bytes = self.written.borrow().bytes;
        if writer.failed && writer.file.set_len(bytes).is_err() {
            return;
        }
        writer.failed = writer.file.write_all(text.as_bytes()).is_err();
        if writer.failed {
            // Repeated before the next write.
            let _ = writer.file.set_len(bytes);
        } else {
            self.written.send_modify(|written| written.bytes += text.len() as u64);
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn keep(&mut self, line: String) {
        self.tail_bytes += line.len();
        self.tail.push_back(line);
        while self.tail_bytes > MAX_TAIL && self.tail.len() > 1 {
            if let Some(line) = self.tail.pop_front() {
                self.tail_bytes -= line.len();
                self.left_out += 1;
            }
        }
    }
}

/// Reads a log from its start until its build ends.
pub(crate) struct BuildLogReader {
    path: PathBuf,
    /// `None` if the build has ended already.
    live: Option<watch::Receiver<Written>>,
    file: Option<tokio::fs::File>,
    bytes: u64,
    lines: LineBuffer,
    ended: bool,
}

impl BuildLogReader {
    /// Returns the next lines, or `None` at the end. Waits while the build is in progress.
    pub(crate) async fn next_lines(&mut self) -> io::Result<Option<String>> {
        while !self.ended {
            // Taken before reading, so that lines written in between are found by the next
            // iteration.
            let written = self.live.as_mut().map(|live| *live.borrow_and_update());
            let over = written.is_none_or(|written| written.ended);
            let chunk = self.read(written.map(|written| written.bytes)).await?;
            let text = match chunk.is_empty() {
                false => self.lines.push(&chunk),
                true if over => self.last(),
                true => self.wait().await,
            };
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Reads a chunk. Behind `end` there may be a part of a line that will be removed.
    async fn read(&mut self, end: Option<u64>) -> io::Result<Vec<u8>> {
        let rest = end.map_or(u64::MAX, |end| end.saturating_sub(self.bytes));
        let max = usize::try_from(rest).unwrap_or(CHUNK).min(CHUNK);
        let file = match &mut self.file {
            Some(file) => file,
            slot => slot.insert(tokio::fs::File::open(&self.path).await?),
        };
        let mut chunk = vec![0; max];
        let count = file.read(&mut chunk).await?;
        chunk.truncate(count);
        self.bytes += count as u64;
        Ok(chunk)
    }

    fn last(&mut self) -> String {
        self.ended = true;
        self.lines.finish()
    }

    async fn wait(&mut self) -> String {
        if let Some(live) = &mut self.live
            && live.changed().await.is_err()
        {
            // The writer was dropped without ending the log: the file is complete.
            self.live = None;
        }
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(mut reader: BuildLogReader) -> String {
        let mut text = String::new();
        while let Some(lines) = reader.next_lines().await.unwrap() {
            text.push_str(&lines);
        }
        text
    }

    #[tokio::test]
    async fn live_and_stored_logs_are_identical() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let id: BuildId = "BA".parse().unwrap();
        let logs = BuildLogs::default();
        let log = logs.begin(&id, &path).unwrap();
        log.line("before");
        let early = tokio::spawn(all(logs.reader(&id, path.clone())));
        let writer = tokio::task::spawn_blocking(move || {
            for number in 0..5000 {
                log.line(&format!("line {number} ü"));
            }
        });
        let midway = tokio::spawn(all(logs.reader(&id, path.clone())));
        writer.await.unwrap();
        logs.end(&id);
        let stored = all(logs.reader(&id, path.clone())).await;
        assert_eq!(stored.lines().count(), 5001);
        assert_eq!(early.await.unwrap(), stored);
        assert_eq!(midway.await.unwrap(), stored);
        assert_eq!(std::fs::read_to_string(path).unwrap(), stored);
    }

    #[tokio::test]
    async fn of_a_log_without_end_the_first_and_last_lines_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = BuildLog::open(&path, 1000).unwrap();
        (0..100_000).for_each(|number| log.line(&format!("line {number}")));
        log.line("Build failed: exit code 1");
        log.end();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("line 0\nline 1\n") && text.len() < 2 * MAX_TAIL);
        let end = "line 99998\nline 99999\nBuild failed: exit code 1\n";
        assert!(text.ends_with(end), "{}", &text[text.len() - 100..]);
        let kept = text.lines().filter(|line| line.starts_with("line ")).count();
        let note = format!("[lines of the log that are left out: {}]\n", 100_000 - kept);
        assert!(text.contains(&note), "{note}");
    }

    #[tokio::test]
    async fn a_missing_log_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader =
            BuildLogs::default().reader(&"BA".parse().unwrap(), dir.path().join("none"));
        assert!(reader.next_lines().await.is_err());
    }
}
