//! Bodies to send from a file, or from anything that can be read once.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Upload;

/// The size of one read, in bytes.
const STEP: usize = 64 << 10;

/// The content of a file, which is read again for each attempt.
#[derive(Debug)]
pub struct FileUpload {
    path: PathBuf,
    length: u64,
    sent: AtomicU64,
}

impl FileUpload {
    /// Looks at the file, whose length is announced to the rack.
    ///
    /// # Errors
    /// The file can't be opened, or is not a regular file.
    pub async fn open(path: impl Into<PathBuf>) -> io::Result<Arc<Self>> {
        let path = path.into();
        let about = File::open(&path).await?.metadata().await?;
        if !about.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Arc::new(Self { path, length: about.len(), sent: AtomicU64::new(0) }))
    }

    /// How many bytes the present attempt has sent.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Upload for FileUpload {
    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        self.sent.store(0, Ordering::Relaxed);
        let (path, length) = (self.path.clone(), self.length);
        // A file that grows meanwhile is sent as it was announced.
        let opened = async move { File::open(path).await.map(|file| file.take(length)) };
        stream::once(opened)
            .flat_map(|opened| match opened {
                Ok(file) => pieces(file),
                Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
            })
            .boxed()
    }

    fn sent(&self, bytes: u64) {
        self.sent.store(bytes, Ordering::Relaxed);
    }
}

/// What a reader gives, standard input for one. It can be sent once: an attempt that failed after
/// it has read something can't be repeated.
pub struct ReaderUpload {
    reader: Arc<Mutex<Option<Box<dyn AsyncRead + Send + Unpin>>>>,
    sent: AtomicU64,
}

impl ReaderUpload {
    /// A body of unknown length.
    pub fn new(reader: impl AsyncRead + Send + Unpin + 'static) -> Arc<Self> {
        let reader: Box<dyn AsyncRead + Send + Unpin> = Box::new(reader);
        Arc::new(Self { reader: Arc::new(Mutex::new(Some(reader))), sent: AtomicU64::new(0) })
    }

    /// How many bytes were sent.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Upload for ReaderUpload {
    fn length(&self) -> Option<u64> {
        None
    }

    fn is_replayable(&self) -> bool {
        false
    }

    /// The reader is taken at the first read, so an attempt that could not connect costs nothing.
    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        let reader = self.reader.clone();
        let taken = async move { reader.lock().unwrap_or_else(PoisonError::into_inner).take() };
        stream::once(taken)
            .flat_map(|taken| match taken {
                Some(reader) => pieces(reader),
                None => stream::once(std::future::ready(Err(spent()))).boxed(),
            })
            .boxed()
    }

    fn sent(&self, bytes: u64) {
        self.sent.store(bytes, Ordering::Relaxed);
    }
}

fn spent() -> io::Error {
    io::Error::other("the input was sent once and can't be read again")
}

fn pieces(
    reader: impl AsyncRead + Send + Unpin + 'static,
) -> BoxStream<'static, io::Result<Bytes>> {
    stream::try_unfold((reader, BytesMut::new()), |(mut reader, mut buffer)| async move {
        buffer.reserve(STEP);
        let count = reader.read_buf(&mut buffer).await?;
        Ok((count > 0).then(|| (buffer.split().freeze(), (reader, buffer))))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    async fn sent(upload: &dyn Upload) -> io::Result<Vec<u8>> {
        let pieces: Vec<Bytes> = upload.open().try_collect().await?;
        Ok(pieces.concat())
    }

    #[tokio::test]
    async fn a_file_is_read_from_its_start_each_time_and_to_its_announced_length() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        std::fs::write(&path, vec![7; STEP + 1]).unwrap();
        let upload = FileUpload::open(&path).await.unwrap();
        assert_eq!(sent(&*upload).await.unwrap(), vec![7; STEP + 1]);
        std::fs::write(&path, vec![7; 3 * STEP]).unwrap();
        assert_eq!(sent(&*upload).await.unwrap().len() as u64, upload.length().unwrap());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(sent(&*upload).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_directory_is_not_a_file_to_send() {
        let directory = tempfile::tempdir().unwrap();
        assert!(FileUpload::open(directory.path()).await.is_err());
    }

    #[tokio::test]
    async fn a_reader_is_sent_once_and_not_touched_by_an_attempt_that_sends_nothing() {
        let upload = ReaderUpload::new(&b"typed"[..]);
        drop(upload.open());
        assert_eq!(sent(&*upload).await.unwrap(), b"typed");
        assert!(sent(&*upload).await.unwrap_err().to_string().contains("once"));
    }
}
