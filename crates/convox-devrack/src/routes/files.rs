//! Files of a process. Its copy of the source is the root of what a client sees.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Component, Path as FilePath, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::sessions::workplace;
use super::{ApiResult, app_name, done};
use crate::error::Refusal;
use crate::options::Options;
use crate::pipes;
use crate::rack::Shared;
use crate::removal;
use crate::serve::Routes;
use convox_package::unpack::{Limits, unpack_tar};

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
    let body = pipes::written_by(move |to| pack(&path, &name, to));
    let kind = [(header::CONTENT_TYPE, "application/x-tar")];
    Ok((kind, body).into_response())
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

/// Writes an archive.
fn pack(path: &FilePath, name: &FilePath, to: &mut dyn Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(to);
    archive.follow_symlinks(false);
    let is_directory = path.symlink_metadata().is_ok_and(|about| about.is_dir());
    match is_directory {
        // tar has no name for the root itself.
        true if name.as_os_str().is_empty() => archive.append_dir_all(".", path),
        true => archive.append_dir_all(name, path),
        false => archive.append_path_with_name(path, name),
    }?;
    archive.into_inner()?.flush()
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
    let unpacking = pipes::read_by(body, move |body| {
        let unpacked = unpack_tar(body, &root, &Limits::default());
        unpacked.map_err(|error| Refusal::bad_request(error.to_string()))
    });
    unpacking.await?;
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
        removal::remove(&path.ok_or_else(|| no_such_file(wanted))?)?;
    }
    done()
}
