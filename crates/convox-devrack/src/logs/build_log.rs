//! The log of a build: one file, read from its start on each attach, the same bytes live and stored.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::text::WholeLines;
use convox_wire::BuildId;

const PIECE: usize = 64 * 1024;

/// The logs of the builds that have not ended.
#[derive(Clone, Default)]
pub(crate) struct BuildLogs {
    live: Arc<Mutex<HashMap<BuildId, Arc<BuildLog>>>>,
}

impl BuildLogs {
    /// Begins the log of a build, or goes on with one that a rack before this one began.
    pub(crate) fn begin(&self, build: &BuildId, path: &Path) -> io::Result<Arc<BuildLog>> {
        let log = Arc::new(BuildLog::open(path)?);
        self.live().insert(build.clone(), log.clone());
        Ok(log)
    }

    /// Ends the log of a build; those who read it come to an end.
    pub(crate) fn end(&self, build: &BuildId) {
        if let Some(log) = self.live().remove(build) {
            log.written.send_modify(|written| written.ended = true);
        }
    }

    /// A reader of the log, live or stored. It may begin before the build does.
    pub(crate) fn reader(&self, build: &BuildId, path: PathBuf) -> BuildLogReader {
        let live = self.live().get(build).map(|log| log.written.subscribe());
        BuildLogReader { path, live, file: None, lines: WholeLines::default(), ended: false }
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

    /// Adds a line; its newline is added where it has none.
    pub(crate) fn line(&self, text: &str) {
        let mut line = text.to_owned();
        if !line.ends_with('\n') {
            line.push('\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written must not fail the build that it tells of.
        if file.write_all(line.as_bytes()).is_ok() {
            self.written.send_modify(|written| written.bytes += line.len() as u64);
        }
    }
}

/// Reads a log from its start to the end of its build.
pub(crate) struct BuildLogReader {
    path: PathBuf,
    /// `None` where the build has ended already.
    live: Option<watch::Receiver<Written>>,
    file: Option<tokio::fs::File>,
    lines: WholeLines,
    ended: bool,
}

impl BuildLogReader {
    /// The next lines; `None` at the end of the log. Waits while the build goes on.
    pub(crate) async fn next_lines(&mut self) -> io::Result<Option<String>> {
        while !self.ended {
            // Asked before reading: what is written later is found by the next turn.
            let over = self.live.as_mut().is_none_or(|live| live.borrow_and_update().ended);
            let piece = self.read().await?;
            let text = match piece.is_empty() {
                false => self.lines.push(&piece),
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
            none => none.insert(tokio::fs::File::open(&self.path).await?),
        };
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        Ok(piece)
    }

    fn last(&mut self) -> String {
        self.ended = true;
        self.lines.finish()
    }

    async fn wait(&mut self) -> String {
        if let Some(live) = &mut self.live
            && live.changed().await.is_err()
        {
            // The writer is gone without a word: what is stored is all there is.
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
    async fn live_and_stored_logs_are_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
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
    async fn a_log_that_is_gone_is_an_error_not_an_empty_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader =
            BuildLogs::default().reader(&"BA".parse().unwrap(), folder.path().join("none"));
        assert!(reader.next_lines().await.is_err());
    }
}
