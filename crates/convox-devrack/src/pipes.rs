//! Bodies of requests and responses, for code that reads and writes on a thread of its own. Memory
//! use is flat: of either, a few pieces are on their way.

use std::io::{self, BufWriter, Read, Write};

use axum::body::{Body, Bytes};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::error::Refusal;

/// Pieces on their way between a thread and a connection.
const IN_FLIGHT: usize = 4;
/// The size of one piece, in bytes.
const PIECE: usize = 64 << 10;

/// Returns a body that `work` writes. A failure breaks the response off.
pub(crate) fn written_by(
    work: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Body {
    let (pieces, body) = mpsc::channel(IN_FLIGHT);
    spawn_blocking(move || {
        let mut writer = BufWriter::with_capacity(PIECE, Pieces(pieces.clone()));
        if let Err(error) = work(&mut writer).and_then(|()| writer.flush()) {
            // A client that is gone needs no error.
            let _ = pieces.blocking_send(Err(error));
        }
    });
    Body::from_stream(futures_util::stream::unfold(body, |mut body| async move {
        body.recv().await.map(|piece| (piece, body))
    }))
}

/// Has `work` read a body. It goes on to its end, with a broken body, if the request is dropped.
///
/// # Errors
/// Returns the error of `work`.
pub(crate) async fn read_by<T: Send + 'static>(
    body: Body,
    work: impl FnOnce(Received) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let (pieces, received) = mpsc::channel(IN_FLIGHT);
    let working = spawn_blocking(move || work(Received { pieces: received, piece: Bytes::new() }));
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        let piece =
            piece.map_err(|error| io::Error::other(format!("the upload broke off: {error}")));
        if pieces.send(piece).await.is_err() {
            break; // the work has failed
        }
    }
    drop(pieces);
    working.await.unwrap_or_else(|error| Err(Refusal::internal(error.to_string())))
}

/// A writer that hands on each write as a piece.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader of pieces.
pub(crate) struct Received {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Received {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(into.len());
        into[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
