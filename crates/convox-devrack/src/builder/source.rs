//! Unpacks the source of a build and finds its manifest.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::{BuildError, BuildJob};
use convox_package::unpack::{self, Limits, Unpacked};

/// The maximum size of a manifest, in bytes.
const MAX_MANIFEST: u64 = 1024 * 1024;

const MAX_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// What is unpacked of a source at most.
pub(crate) const SOURCE_LIMITS: Limits =
    Limits { total: MAX_BYTES, entry: MAX_BYTES, entries: 1_000_000 };

/// Unpacks the upload into the job's source directory.
pub(super) async fn unpack(job: &BuildJob) -> Result<Unpacked, BuildError> {
    let (archive, into, stop) = (job.archive.clone(), job.source.clone(), job.stop.clone());
    let unpacked = spawn_blocking(move || {
        let file = File::open(&archive).map_err(|error| error.to_string())?;
        unpack_source(file, &stop, &into)
    });
    match unpacked.await {
        _ if job.stop.is_cancelled() => Err(BuildError::Canceled),
        Ok(result) => result.map_err(BuildError::Archive),
        Err(error) => Err(BuildError::Archive(error.to_string())),
    }
}

fn unpack_source(
    archive: impl Read,
    stop: &CancellationToken,
    into: &Path,
) -> Result<Unpacked, String> {
    unpack::unpack_unless(|| stop.is_cancelled(), archive, into, &SOURCE_LIMITS)
        .map_err(|error| error.to_string())
}

/// Returns the text of the manifest with this path, which must be inside the source.
pub(super) fn manifest_text(source: &Path, name: &str) -> Result<String, String> {
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if name.is_empty() || !plain {
        return Err(format!("the manifest must be a file in the source: {name:?}"));
    }
    if is_compose(name) {
        return Err(format!(
            "{name}: the development rack reads convox.yml, not docker-compose.yml"
        ));
    }
    let path = source.join(name);
    let inside = match (source.canonicalize(), path.canonicalize()) {
        (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(missing(source, name));
        }
        (Ok(source), Ok(path)) => path.starts_with(source) && path.is_file(),
        _ => false,
    };
    if !inside {
        return Err(format!("{name}: not a file in the source"));
    }
    read_text(&path).map_err(|reason| format!("{name}: {reason}"))
}

fn is_compose(name: &str) -> bool {
    let file = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    file.starts_with("docker-compose.")
}

fn missing(source: &Path, name: &str) -> String {
    if source.join("docker-compose.yml").exists() {
        return format!(
            "no {name} in the source; the development rack does not read docker-compose.yml"
        );
    }
    format!("no {name} in the source")
}

fn read_text(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_MANIFEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_MANIFEST {
        return Err("larger than 1 MB".into());
    }
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Formats a size: 1024-based, with two decimals from KB up.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["KB", "MB", "GB", "TB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.2} {unit}") }
}
