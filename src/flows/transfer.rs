//! Large bodies on their way between a rack and a file, or the standard streams.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::time::interval;

use super::destination::{Destination, unreadable, unwritable};
use crate::context::Context;
use crate::error::CommandError;
use crate::event::{Event, Transfer};
use crate::signals::{self, EndSignal};
use convox_client::rack::Error;
use convox_client::transport::{Download, FileUpload, ReaderUpload, Upload};

/// How often the bar moves.
const REDRAW: Duration = Duration::from_millis(100);

/// The size of one read, in bytes.
const STEP: usize = 64 << 10;

/// Where a download goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output.
    Stdout,
    /// This file, which is replaced.
    File(PathBuf),
}

impl Target {
    /// The target of `--file`: `-`, or no file at all, is standard output. Events are drawn on
    /// stderr then.
    ///
    /// # Errors
    /// Standard output is a terminal, or the working directory is gone.
    pub(crate) fn for_data(cx: &Context, file: Option<&Path>) -> Result<Self, CommandError> {
        match file.filter(|file| file.as_os_str() != "-") {
            Some(file) => Ok(Self::File(cx.path(file)?)),
            None if cx.ui.is_terminal() => {
                Err(CommandError::new("pipe this command into a file or specify --file"))
            }
            None => {
                cx.ui.leave_stdout_to_data();
                Ok(Self::Stdout)
            }
        }
    }
}

/// Does a download as one step.
///
/// # Errors
/// As [`download`], and those of the request.
pub(crate) async fn export(
    cx: &Context,
    step: &str,
    request: impl Future<Output = Result<Download, Error>>,
    target: &Target,
) -> Result<u64, CommandError> {
    let work = async { download(cx, "Exporting", request.await?, target).await };
    cx.step(step, work).await
}

/// Writes a download to its target. A file gets its name when all of it is on the disk: whatever
/// fails, or ends the run, before that leaves what was there. Returns the number of bytes.
///
/// # Errors
/// The connection broke, the target can't be written, or a signal came.
pub(crate) async fn download(
    cx: &Context,
    label: &str,
    download: Download,
    target: &Target,
) -> Result<u64, CommandError> {
    let bar = Bar::begin(cx, label, download.length())?;
    let work = async {
        match target {
            Target::Stdout => to_stdout(cx, download, bar).await,
            Target::File(path) => to_file(download, path, bar).await,
        }
    };
    tokio::select! {
        done = work => done,
        signal = signals::received() => Err(CommandError::ended(signal)),
    }
}

async fn to_stdout(
    cx: &Context,
    mut from: Download,
    mut bar: Bar<'_>,
) -> Result<u64, CommandError> {
    while let Some(piece) = from.next().await? {
        cx.ui.write(&piece)?;
        bar.advance(piece.len())?;
    }
    bar.finish()
}

async fn to_file(mut from: Download, path: &Path, mut bar: Bar<'_>) -> Result<u64, CommandError> {
    let failed = |error| unwritable(path, error);
    let (mut file, destination) = Destination::open(path).map_err(failed)?;
    while let Some(piece) = from.next().await? {
        file.write_all(&piece).await.map_err(failed)?;
        bar.advance(piece.len())?;
    }
    file.flush().await.map_err(failed)?;
    destination.complete(file).await.map_err(failed)?;
    bar.finish()
}

/// Writes what `write` makes to the target, as [`download`] writes a download.
///
/// # Errors
/// The target can't be written, or a signal came.
pub(crate) async fn write_out(
    cx: &Context,
    target: &Target,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()> + Send + 'static,
) -> Result<(), CommandError> {
    let work = async {
        match target {
            Target::Stdout => {
                let mut made = written_temporarily(cx, write).await?;
                copy_to_stdout(cx, &mut made).await
            }
            Target::File(path) => {
                let failed = |error| unwritable(path, error);
                let (file, destination) = Destination::open(path).map_err(failed)?;
                let file = written(file, write).await.map_err(failed)?;
                destination.complete(file).await.map_err(failed)
            }
        }
    };
    tokio::select! {
        done = work => done,
        signal = signals::received() => Err(CommandError::ended(signal)),
    }
}

async fn written_temporarily(
    cx: &Context,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()> + Send + 'static,
) -> Result<File, CommandError> {
    let failed = |error| CommandError::while_doing("can't write a temporary file", error);
    let file = tempfile::tempfile_in(cx.settings.temp_dir()).map_err(failed)?;
    let mut file = written(File::from_std(file), write).await.map_err(failed)?;
    file.rewind().await.map_err(failed)?;
    Ok(file)
}

async fn written(
    file: File,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()> + Send + 'static,
) -> io::Result<File> {
    let file = file.into_std().await;
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::new(file);
        write(&mut out)?;
        Ok(File::from_std(out.into_inner().map_err(io::IntoInnerError::into_error)?))
    });
    writing.await.map_err(io::Error::other)?
}

async fn copy_to_stdout(cx: &Context, file: &mut File) -> Result<(), CommandError> {
    let mut buffer = vec![0; STEP];
    loop {
        let read = file.read(&mut buffer).await;
        match read
            .map_err(|error| CommandError::while_doing("can't read a temporary file", error))?
        {
            0 => return Ok(()),
            length => cx.ui.write(&buffer[..length])?,
        }
    }
}

/// A body to send, and how far it has gone.
pub(crate) struct Source {
    upload: Arc<dyn Upload>,
    sent: Box<dyn Fn() -> u64>,
}

impl Source {
    /// The source of `--file`: `-`, or no file at all, is standard input.
    ///
    /// # Errors
    /// The file can't be read, or standard input is a terminal.
    pub(crate) async fn for_data(cx: &Context, file: Option<&Path>) -> Result<Self, CommandError> {
        match file.filter(|file| file.as_os_str() != "-") {
            Some(file) => Self::file(&cx.path(file)?).await,
            None if cx.can_ask() => {
                Err(CommandError::new("pipe a file into this command or specify --file"))
            }
            None => Self::stdin(cx),
        }
    }

    /// A file.
    ///
    /// # Errors
    /// It can't be read.
    pub(crate) async fn file(path: &Path) -> Result<Self, CommandError> {
        let upload = FileUpload::open(path).await.map_err(|error| unreadable(path, error))?;
        let counted = upload.clone();
        Ok(Self { upload, sent: Box::new(move || counted.sent_bytes()) })
    }

    fn stdin(cx: &Context) -> Result<Self, CommandError> {
        let detached = cx.ui.input().detach();
        let (read, file) = detached
            .map_err(|error| CommandError::while_doing("can't read the standard input", error))?;
        let start = io::Cursor::new(read);
        Ok(match file {
            Some(file) => Self::reader(start.chain(File::from_std(file))),
            None => Self::reader(start),
        })
    }

    /// Any other body.
    pub(crate) fn counted(upload: Arc<dyn Upload>) -> Self {
        let counted = Arc::new(Counted { upload, sent: AtomicU64::new(0) });
        let upload = counted.clone();
        Self { upload, sent: Box::new(move || counted.sent.load(Ordering::Relaxed)) }
    }

    /// Anything that can be read once.
    pub(crate) fn reader(reader: impl tokio::io::AsyncRead + Send + Unpin + 'static) -> Self {
        let upload = ReaderUpload::new(reader);
        let counted = upload.clone();
        Self { upload, sent: Box::new(move || counted.sent_bytes()) }
    }

    /// The body, for the request that sends it.
    pub(crate) fn body(&self) -> Arc<dyn Upload> {
        self.upload.clone()
    }
}

/// A body whose progress is counted.
struct Counted {
    upload: Arc<dyn Upload>,
    sent: AtomicU64,
}

impl Upload for Counted {
    fn length(&self) -> Option<u64> {
        self.upload.length()
    }

    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        self.upload.open()
    }

    fn sent(&self, bytes: u64) {
        self.sent.store(bytes, Ordering::Relaxed);
    }
}

/// Waits for the request that sends a source, moving the bar meanwhile.
///
/// # Errors
/// Those of the request, or `ended`, which says what the rack may have done, once a signal comes.
pub(crate) async fn upload<T>(
    cx: &Context,
    label: &str,
    source: &Source,
    sending: impl Future<Output = Result<T, Error>>,
    ended: impl FnOnce(EndSignal) -> CommandError,
) -> Result<T, CommandError> {
    // It has something to say about what was sent.
    let _claim = signals::claim();
    let sending = moving(cx, label, source, sending);
    tokio::select! {
        sent = sending => sent,
        signal = signals::received() => Err(ended(signal)),
    }
}

async fn moving<T>(
    cx: &Context,
    label: &str,
    source: &Source,
    sending: impl Future<Output = Result<T, Error>>,
) -> Result<T, CommandError> {
    let mut bar = Bar::begin(cx, label, source.upload.length())?;
    let mut redraw = interval(REDRAW);
    let mut sending = std::pin::pin!(sending);
    loop {
        tokio::select! {
            sent = &mut sending => {
                let value = sent?;
                bar.set((source.sent)())?;
                bar.finish()?;
                return Ok(value);
            }
            _ = redraw.tick() => bar.set((source.sent)())?,
        }
    }
}

/// The progress bar of a transfer.
pub(super) struct Bar<'a> {
    cx: &'a Context,
    done: u64,
    total: Option<u64>,
}

impl<'a> Bar<'a> {
    pub(super) fn begin(
        cx: &'a Context,
        label: &str,
        total: Option<u64>,
    ) -> Result<Self, CommandError> {
        cx.emit(Event::Transfer(Transfer::Started(label.to_owned())))?;
        Ok(Self { cx, done: 0, total })
    }

    pub(super) fn advance(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.set(self.done + bytes as u64)
    }

    fn set(&mut self, done: u64) -> Result<(), CommandError> {
        self.done = done;
        self.cx.emit(Event::Transfer(Transfer::Moved { done, total: self.total }))
    }

    pub(super) fn finish(self) -> Result<u64, CommandError> {
        self.cx.emit(Event::Transfer(Transfer::Finished(self.done)))?;
        Ok(self.done)
    }
}
