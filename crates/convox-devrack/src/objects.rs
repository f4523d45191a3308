//! Objects: files, written under another name, put on the disk, then renamed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::http::StatusCode;
use futures_util::{Stream, StreamExt};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use super::directories;
use super::error::Refusal;

/// File systems allow 255 bytes in a name.
const LONGEST_NAME: usize = 240;
const UNFINISHED: &str = ".upload-";

/// The key of an object, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    name: String,
}

impl Key {
    /// Checks a key. v3 racks refuse `..` segments; a key that is too long for a file's name is
    /// refused here too.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let name = file_name(text);
        let dotted = text.split('/').any(|segment| segment == "..");
        if text.is_empty() || dotted || name.len() > LONGEST_NAME {
            return Err(Refusal::bad_request("invalid object key"));
        }
        Ok(Self { name })
    }

    pub(crate) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(&self.name)
    }
}

/// The file's name for a key: slashes and what else could mean something are written as `%XX`.
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

/// Takes an upload as it comes. Nothing is seen of it before it is whole and on the disk.
pub(crate) async fn store<E: std::fmt::Display>(
    folder: &Path,
    key: &Key,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    most: u64,
) -> Result<(), Refusal> {
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    let mut file = tokio::fs::File::from_std(unfinished.as_file().try_clone()?);
    let mut size = 0;
    while let Some(piece) = body.next().await {
        let piece = piece
            .map_err(|error| Refusal::bad_request(format!("the upload broke off: {error}")))?;
        size += piece.len() as u64;
        if size > most {
            let message = format!("the object is larger than this rack takes ({most} bytes)");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        file.write_all(&piece).await?;
    }
    file.sync_all().await?;
    settle(unfinished, key.path(folder)).await
}

async fn settle(unfinished: NamedTempFile, path: PathBuf) -> Result<(), Refusal> {
    let settled = tokio::task::spawn_blocking(move || {
        unfinished.persist(&path).map_err(|error| error.error)?;
        directories::sync(path.parent().unwrap_or(&path))
    });
    Ok(settled.await.map_err(io::Error::other)??)
}

/// Makes a file that exists already, such as a finished log, an object.
pub(crate) fn adopt(folder: &Path, key: &Key, file: &Path) -> io::Result<()> {
    match std::fs::hard_link(file, key.path(folder)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Opens an object to read; `None` where there is none.
pub(crate) fn open(folder: &Path, key: &Key) -> io::Result<Option<File>> {
    match File::open(key.path(folder)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes an object, whether it is there or not.
pub(crate) fn delete(folder: &Path, key: &Key) -> io::Result<()> {
    directories::remove(&key.path(folder))
}

/// The keys that begin with `prefix`, sorted.
pub(crate) fn list(folder: &Path, prefix: &str) -> Vec<String> {
    let names = directories::file_names(folder).into_iter();
    let kept = names.filter(|name| !name.starts_with(UNFINISHED));
    let mut keys: Vec<String> =
        kept.filter_map(|name| key_of(&name)).filter(|key| key.starts_with(prefix)).collect();
    keys.sort();
    keys
}

/// Removes the uploads that a rack which was killed left unfinished.
pub(crate) fn sweep(folder: &Path) -> io::Result<()> {
    let names = directories::file_names(folder).into_iter();
    let unfinished = names.filter(|name| name.starts_with(UNFINISHED));
    unfinished.map(|name| folder.join(name)).try_for_each(|path| directories::remove(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(
        pieces: Vec<Result<&'static str, &'static str>>,
    ) -> impl Stream<Item = Result<Bytes, &'static str>> + Unpin {
        futures_util::stream::iter(pieces.into_iter().map(|piece| piece.map(Bytes::from)))
    }

    #[tokio::test]
    async fn an_upload_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::parse("tmp/a.tgz").unwrap();
        store(folder.path(), &key, body(vec![Ok("one "), Ok("two")]), 100).await.unwrap();
        let cut = store(folder.path(), &key, body(vec![Ok("three"), Err("reset")]), 100).await;
        assert_eq!(cut.unwrap_err().status, StatusCode::BAD_REQUEST);
        let large = store(folder.path(), &key, body(vec![Ok("much too large")]), 5).await;
        assert_eq!(large.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(std::fs::read(key.path(folder.path())).unwrap(), b"one two");
        assert_eq!(directories::file_names(folder.path()).len(), 1);
        assert_eq!(list(folder.path(), "tmp/"), ["tmp/a.tgz"]);
        delete(folder.path(), &key).unwrap();
        delete(folder.path(), &key).unwrap();
        assert!(open(folder.path(), &key).unwrap().is_none());
    }

    #[test]
    fn keys_that_lead_elsewhere_or_are_too_long_are_refused() {
        for text in ["", "..", "a/../b", "../x", &"x".repeat(241), &"/".repeat(81)] {
            assert_eq!(Key::parse(text).unwrap_err().message, "invalid object key", "{text}");
        }
    }

    #[test]
    fn unfinished_uploads_are_swept_away_and_never_listed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".upload-x1"), "half").unwrap();
        let named_alike = Key::parse(".upload-x1").unwrap();
        std::fs::write(named_alike.path(folder.path()), "whole").unwrap();
        assert_eq!(list(folder.path(), ""), [".upload-x1"]);
        sweep(folder.path()).unwrap();
        assert_eq!(directories::file_names(folder.path()), ["%2Eupload-x1"]);
    }

    proptest! {
        #[test]
        fn a_key_comes_back_from_its_file_name_which_is_one_name(key in "[^\0]{1,60}") {
            let name = file_name(&key);
            prop_assert!(!name.contains('/') && name != "." && name != "..");
            prop_assert_eq!(key_of(&name), Some(key));
        }
    }
}
