//! Directories that are carried over from the build before, such as installed dependencies.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::{BuildJob, Log};
use crate::manifest::ServiceSpec;
use crate::removal;
use crate::runner::copy_directory;

/// Copies the directories that a service caches from the source of the earlier build, unless the
/// source has them itself. A directory that can't be copied is left out with a warning: the build
/// step then makes it, as in a first build.
pub(super) async fn restore(job: &BuildJob, service: &ServiceSpec, log: &Log) {
    let Some(earlier) = &job.earlier else { return };
    for name in &service.cache {
        let (from, to, path) = (earlier.source.clone(), job.source.clone(), name.clone());
        let copied = match spawn_blocking(move || copy(&from, &to, &path)).await {
            Ok(copied) => copied,
            Err(error) => Err(io::Error::other(error)),
        };
        match copied {
            Ok(true) => log(&format!("Restored {name} from {}", earlier.build)),
            Ok(false) => (),
            Err(error) => log(&format!("WARNING: can't restore {name}: {error}")),
        }
    }
}

/// Returns whether there was something to copy, and nothing in its place.
fn copy(from: &Path, to: &Path, name: &str) -> io::Result<bool> {
    let (Some(old), Some(new)) = (inside(from, name)?, inside(to, name)?) else { return Ok(false) };
    let is_there = fs::symlink_metadata(&old).is_ok_and(|found| found.is_dir());
    if !is_there || fs::symlink_metadata(&new).is_ok() {
        return Ok(false);
    }
    copy_directory(&old, &new).inspect_err(|_| {
        // What is left is removed with the source.
        let _ = removal::remove(&new);
    })?;
    Ok(true)
}

/// Returns the place of `name` in a source; `None` if its parent is not there, or a link that leads
/// out of the source.
fn inside(source: &Path, name: &str) -> io::Result<Option<PathBuf>> {
    let path = source.join(name);
    let (Some(parent), Some(last)) = (path.parent(), path.file_name()) else { return Ok(None) };
    match (source.canonicalize(), parent.canonicalize()) {
        (Ok(source), Ok(parent)) => Ok(parent.starts_with(source).then(|| parent.join(last))),
        (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}
