//! The log of a build: one file, which every reader reads from its start. Live and stored logs are
//! identical.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::text::LineBuffer;
use convox_wire::BuildId;

const CHUNK: usize = 64 * 1024;

/// The logs of the builds in progress.
#[derive(Clone, Default)]
pub(crate) struct BuildLogs {
    live: Arc<Mutex<HashMap<BuildId, Arc<BuildLog>>>>,
}

impl BuildLogs {
    /// Starts the log of a build, or continues one of an earlier rack.
    pub(crate) fn begin(&self, build: &BuildId, path: &Path) -> io::Result<Arc<BuildLog>> {
        let log = Arc::new(BuildLog::open(path)?);
        self.live().insert(build.clone(), log.clone());
        Ok(log)
    }

    /// Ends the log of a build, which ends its readers.
    pub(crate) fn end(&self, build: &BuildId) {
        if let Some(log) = self.live().remove(build) {
            log.written.send_modify(|written| written.ended = true);
        }
    }

    /// Returns whether the log of the build with this id is being written.
    pub(crate) fn is_live(&self, build: &str) -> bool {
        self.live().keys().any(|id| id.as_str() == build)
    }

    /// Returns a reader of a live or stored log.
    pub(crate) fn reader(&self, build: &BuildId, path: PathBuf) -> BuildLogReader {
        let live = self.live().get(build).map(|log| log.written.subscribe());
        BuildLogReader { path, live, file: None, lines: LineBuffer::default(), ended: false }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<BuildId, Arc<BuildLog>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log that is being written.
pub(crate) struct BuildLog {
    file: Mutex<File>,
    written: watch::Sender<Written>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Written {
    bytes: u64,
    ended: bool,
}

impl BuildLog {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        let written = watch::Sender::new(Written { bytes, ended: false });
        Ok(Self { file: Mutex::new(file), written })
    }

    /// Appends a line, adding a newline if it has none.
    pub(crate) fn line(&self, text: &str) {
        let mut line = text.to_owned();
        if !line.ends_with('\n') {
            line.push('\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that can't be written must not fail its build.
        if file.write_all(line.as_bytes()).is_ok() {
            self.written.send_modify(|written| written.bytes += line.len() as u64);
        }
    }
}

/// Reads a log from its start until its build ends.
pub(crate) struct BuildLogReader {
    path: PathBuf,
    /// `None` if the build has ended already.
    live: Option<watch::Receiver<Written>>,
    file: Option<tokio::fs::File>,
    lines: LineBuffer,
    ended: bool,
}

impl BuildLogReader {
    /// Returns the next lines, or `None` at the end. Waits while the build is in progress.
    pub(crate) async fn next_lines(&mut self) -> io::Result<Option<String>> {
        while !self.ended {
            // Taken before reading, so that lines written in between are found by the next
            // iteration.
            let over = self.live.as_mut().is_none_or(|live| live.borrow_and_update().ended);
            let chunk = self.read().await?;
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

    async fn read(&mut self) -> io::Result<Vec<u8>> {
        let file = match &mut self.file {
            Some(file) => file,
            slot => slot.insert(tokio::fs::File::open(&self.path).await?),
        };
        let mut chunk = vec![0; CHUNK];
        let count = file.read(&mut chunk).await?;
        chunk.truncate(count);
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
    async fn a_missing_log_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader =
            BuildLogs::default().reader(&"BA".parse().unwrap(), dir.path().join("none"));
        assert!(reader.next_lines().await.is_err());
    }
}
