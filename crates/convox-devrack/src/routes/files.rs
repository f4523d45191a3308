//! Files of a process. Its copy of the source is the root of what a client sees.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Component, Path as FilePath, PathBuf};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::sessions::workplace;
use super::{ApiResult, app_name, done};
use crate::error::Refusal;
use crate::options::Options;
use crate::rack::{Shared, run_to_completion};
use crate::serve::Routes;
use convox_package::unpack::{Limits, unpack_tar};

/// Pieces on their way between a thread and a connection.
const IN_FLIGHT: usize = 4;
/// The size of one piece, in bytes.
const PIECE: usize = 64 << 10;

pub(super) fn authenticated() -> Routes {
    let files = get(download).post(upload).delete(delete);
    Router::new().route("/apps/{app}/processes/{pid}/files", files)
}

async fn download(
    State(rack): State<Shared>,
    Path((app, pid)): Path<(String, String)>,
    options: Options,
) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    let root = workplace(&rack, &app, &pid)?.directory;
    let wanted = options.named("file").unwrap_or_default();
    let name = relative(&wanted).ok_or_else(|| no_such_file(&wanted))?;
    let path = inside(&root, &name).ok_or_else(|| no_such_file(&wanted))?;
    let (pieces, body) = mpsc::channel(IN_FLIGHT);
    tokio::task::spawn_blocking(move || pack(&path, &name, pieces));
    let body = futures_util::stream::unfold(body, |mut body| async move {
        body.recv().await.map(|piece| (piece, body))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-tar")];
    Ok((kind, Body::from_stream(body)).into_response())
}

fn no_such_file(path: &str) -> Refusal {
    Refusal::not_found(format!("no such file: {path}"))
}

/// A path below the root, without `.` and `..`.
fn relative(path: &str) -> Option<PathBuf> {
    let mut relative = PathBuf::new();
    for component in FilePath::new(path).components() {
        match component {
            Component::Normal(name) => relative.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(relative)
}

/// The path of something that is there, unless a link leads out of the root on the way. The last
/// component may be such a link: it is archived as a link.
fn inside(root: &FilePath, name: &FilePath) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let path = root.join(name);
    let parent = match path.parent() {
        Some(parent) if !name.as_os_str().is_empty() => parent.canonicalize().ok()?,
        _ => root.clone(),
    };
    (parent.starts_with(&root) && path.symlink_metadata().is_ok()).then_some(path)
}

/// Writes an archive; a failure breaks the response off.
fn pack(path: &FilePath, name: &FilePath, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut archive = tar::Builder::new(Pieces { pieces: pieces.clone(), kept: Vec::new() });
    archive.follow_symlinks(false);
    let is_directory = path.symlink_metadata().is_ok_and(|about| about.is_dir());
    let packed = match is_directory {
        // tar has no name for the root itself.
        true if name.as_os_str().is_empty() => archive.append_dir_all(".", path),
        true => archive.append_dir_all(name, path),
        false => archive.append_path_with_name(path, name),
    };
    let finished = packed.and_then(|()| archive.into_inner()).and_then(|mut rest| rest.flush());
    if let Err(error) = finished {
        // A client that is gone needs no error.
        let _ = pieces.blocking_send(Err(error));
    }
}

/// A writer that hands on pieces.
struct Pieces {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    kept: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.kept));
        let sent = self.pieces.blocking_send(Ok(piece));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

async fn upload(
    State(rack): State<Shared>,
    Path((app, pid)): Path<(String, String)>,
    Query(options): Query<BTreeMap<String, String>>,
    body: Body,
) -> ApiResult {
    check_tar_options(options.get("tar-extra").map_or("", String::as_str))?;
    let app = rack.app(&app_name(app))?.name;
    let root = workplace(&rack, &app, &pid)?.directory;
    let (pieces, received) = mpsc::channel(IN_FLIGHT);
    let unpacking = tokio::task::spawn_blocking(move || {
        unpack_tar(Received { pieces: received, piece: Bytes::new() }, &root, &Limits::default())
    });
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        let piece =
            piece.map_err(|error| io::Error::other(format!("the upload broke off: {error}")));
        if pieces.send(piece).await.is_err() {
            break; // unpacking has failed
        }
    }
    drop(pieces);
    let unpacked = async move {
        match unpacking.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Refusal::bad_request(error.to_string())),
            Err(error) => Err(Refusal::internal(error.to_string())),
        }
    };
    run_to_completion(unpacked).await?;
    done()
}

/// Owners are never taken over here, so two of the options of v3 racks change nothing.
fn check_tar_options(options: &str) -> Result<(), Refusal> {
    for option in options.split(',').filter(|option| !option.is_empty()) {
        if !matches!(option, "--no-same-owner" | "--no-same-permissions") {
            let message = format!("the development rack does not know the tar option {option}");
            return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message));
        }
    }
    Ok(())
}

/// A reader of pieces.
struct Received {
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

async fn delete(
    State(rack): State<Shared>,
    Path((app, pid)): Path<(String, String)>,
    options: Options,
) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    let root = workplace(&rack, &app, &pid)?.directory;
    for wanted in options.named("files").unwrap_or_default().split(',') {
        let name = relative(wanted).filter(|name| !name.as_os_str().is_empty());
        let path = name.and_then(|name| inside(&root, &name));
        crate::directories::remove(&path.ok_or_else(|| no_such_file(wanted))?)?;
    }
    done()
}
