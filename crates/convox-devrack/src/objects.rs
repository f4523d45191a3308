//! Objects: files that are written under a temporary name, synced, then renamed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::http::StatusCode;
use futures_util::{Stream, StreamExt};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use super::error::Refusal;
use super::{directories, removal};

/// File systems limit names to 255 bytes; the rest is reserved for temporary names.
const MAX_NAME: usize = 240;
const UNFINISHED: &str = ".upload-";

/// A validated object key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    name: String,
}

impl Key {
    /// Validates a key. `..` segments are rejected, as on v3 racks, and so are keys too long for a
    /// file name.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let name = file_name(text);
        let dotted = text.split('/').any(|segment| segment == "..");
        if text.is_empty() || dotted || name.len() > MAX_NAME {
            return Err(Refusal::bad_request("invalid object key"));
        }
        Ok(Self { name })
    }

    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(&self.name)
    }
}

/// Returns the file name for a key: bytes other than letters, digits, `-`, `_` and `.` are written
/// as `%XX`.
fn file_name(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let mut name = String::new();
    for (index, byte) in key.bytes().enumerate() {
        match plain(byte) && !(index == 0 && byte == b'.') {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}

fn key_of(name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

/// Stores an upload. The object becomes visible once it is complete and synced to disk.
pub(crate) async fn store<E: std::fmt::Display>(
    dir: &Path,
    key: &Key,
    body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    max: u64,
) -> Result<(), Refusal> {
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
    let mut file = tokio::fs::File::from_std(unfinished.as_file().try_clone()?);
    receive(&mut file, body, max).await?;
    file.sync_all().await?;
    settle(unfinished, key.path(dir)).await
}

/// Writes an upload to a file.
pub(crate) async fn receive<E: std::fmt::Display>(
    file: &mut tokio::fs::File,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    max: u64,
) -> Result<(), Refusal> {
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| {
            Refusal::bad_request(format!("the upload was interrupted: {error}"))
        })?;
        size += chunk.len() as u64;
        if size > max {
            let message = format!("the object exceeds this rack's limit of {max} bytes");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        file.write_all(&chunk).await?;
    }
    // The last write goes on in the background, and only a flush reports its error.
    Ok(file.flush().await?)
}

async fn settle(unfinished: NamedTempFile, path: PathBuf) -> Result<(), Refusal> {
    let settled = tokio::task::spawn_blocking(move || {
        unfinished.persist(&path).map_err(|error| error.error)?;
        directories::sync(path.parent().unwrap_or(&path))
    });
    Ok(settled.await.map_err(io::Error::other)??)
}

/// Makes an existing file, such as a finished log, available as an object.
pub(crate) fn link(dir: &Path, key: &Key, file: &Path) -> io::Result<()> {
    match std::fs::hard_link(file, key.path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Opens an object for reading; `None` if absent.
pub(crate) fn open(dir: &Path, key: &Key) -> io::Result<Option<File>> {
    match File::open(key.path(dir)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes an object. Succeeds if the object is absent.
pub(crate) fn delete(dir: &Path, key: &Key) -> io::Result<()> {
    removal::remove(&key.path(dir))
}

/// Returns the sorted keys that begin with `prefix`.
pub(crate) fn list(dir: &Path, prefix: &str) -> Vec<String> {
    let names = directories::file_names(dir).into_iter();
    let kept = names.filter(|name| !name.starts_with(UNFINISHED));
    let mut keys: Vec<String> =
        kept.filter_map(|name| key_of(&name)).filter(|key| key.starts_with(prefix)).collect();
    keys.sort();
    keys
}

/// Removes incomplete uploads of a rack that was killed.
pub(crate) fn sweep(dir: &Path) -> io::Result<()> {
    let names = directories::file_names(dir).into_iter();
    let unfinished = names.filter(|name| name.starts_with(UNFINISHED));
    unfinished.map(|name| dir.join(name)).try_for_each(|path| removal::remove(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(
        chunks: Vec<Result<&'static str, &'static str>>,
    ) -> impl Stream<Item = Result<Bytes, &'static str>> + Unpin {
        futures_util::stream::iter(chunks.into_iter().map(|chunk| chunk.map(Bytes::from)))
    }

    #[tokio::test]
    async fn an_upload_is_stored_completely_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::parse("tmp/a.tgz").unwrap();
        store(dir.path(), &key, body(vec![Ok("one "), Ok("two")]), 100).await.unwrap();
        let cut = store(dir.path(), &key, body(vec![Ok("three"), Err("reset")]), 100).await;
        assert_eq!(cut.unwrap_err().status, StatusCode::BAD_REQUEST);
        let large = store(dir.path(), &key, body(vec![Ok("much too large")]), 5).await;
        assert_eq!(large.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(std::fs::read(key.path(dir.path())).unwrap(), b"one two");
        assert_eq!(directories::file_names(dir.path()).len(), 1);
        assert_eq!(list(dir.path(), "tmp/"), ["tmp/a.tgz"]);
        delete(dir.path(), &key).unwrap();
        delete(dir.path(), &key).unwrap();
        assert!(open(dir.path(), &key).unwrap().is_none());
    }

    #[cfg(target_os = "linux")] // which has /dev/full
    #[tokio::test]
    async fn a_full_disk_is_reported_even_at_the_last_write() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut file = tokio::fs::File::from_std(full);
        let received = receive(&mut file, body(vec![Ok("short")]), 100).await;
        let refusal = received.unwrap_err();
        assert_eq!(refusal.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(refusal.message.contains("No space left"), "{}", refusal.message);
    }

    #[test]
    fn keys_with_parent_segments_or_excessive_length_are_refused() {
        for text in ["", "..", "a/../b", "../x", &"x".repeat(241), &"/".repeat(81)] {
            assert_eq!(Key::parse(text).unwrap_err().message, "invalid object key", "{text}");
        }
    }

    #[test]
    fn incomplete_uploads_are_swept_and_never_listed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".upload-x1"), "half").unwrap();
        let named_alike = Key::parse(".upload-x1").unwrap();
        std::fs::write(named_alike.path(dir.path()), "whole").unwrap();
        assert_eq!(list(dir.path(), ""), [".upload-x1"]);
        sweep(dir.path()).unwrap();
        assert_eq!(directories::file_names(dir.path()), ["%2Eupload-x1"]);
    }

    proptest! {
        #[test]
        fn a_key_round_trips_through_a_single_file_name(key in "[^\0]{1,60}") {
            let name = file_name(&key);
            prop_assert!(!name.contains('/') && name != "." && name != "..");
            prop_assert_eq!(key_of(&name), Some(key));
        }
    }
}
