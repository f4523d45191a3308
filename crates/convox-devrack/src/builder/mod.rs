//! Building: an uploaded archive becomes a directory that services can run in.
//!
//! The archive is unpacked, its manifest read and checked, and each service's own build step run
//! in the source, as the manifest's order has them. The log is written as it goes.

mod source;
mod step;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::manifest::{Manifest, ManifestError, ServiceSpec};
use super::runner::{BaseEnvironment, RunnerStore, remove_directory};
use convox_wire::{AppName, BuildId, ServiceName};

/// Takes a line of a build's log, without its line end.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// What is to be built, and where.
pub struct BuildJob {
    /// The upload: a tar archive, compressed with gzip.
    pub archive: PathBuf,
    /// The directory to make. What stands there is replaced; after a failure nothing stands there.
    pub source: PathBuf,
    /// The manifest's name in the archive; `None` for `convox.yml`.
    pub manifest_name: Option<String>,
    /// The app.
    pub app: AppName,
    /// The build.
    pub build: BuildId,
    /// The variables of the build steps.
    pub base: BaseEnvironment,
    /// Remembers the build steps' processes, lest a killed rack leaves them behind.
    pub store: Arc<dyn RunnerStore>,
    /// Ends the build, and what it runs.
    pub stop: CancellationToken,
}

/// What a build made.
#[derive(Debug, Clone)]
pub struct BuiltManifest {
    /// The text of the manifest, as it was in the archive.
    pub text: String,
    /// What it says.
    pub manifest: Manifest,
}

/// Why a build failed, in words for the person whose build it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The upload is no archive that can be unpacked safely.
    #[error("cannot unpack the upload: {0}")]
    Archive(String),
    /// The archive has no manifest, or it cannot be read.
    #[error("{0}")]
    NoManifest(String),
    /// The manifest is wrong.
    #[error("{file}{}{error}", if error.line.is_some() { " " } else { ": " })]
    Manifest {
        /// Its name in the archive.
        file: String,
        /// Where and why.
        error: ManifestError,
    },
    /// A service's build step could not be run, or failed.
    #[error("services.{service}.x-dev.build: {reason}")]
    Step {
        /// The service.
        service: ServiceName,
        /// What happened.
        reason: String,
    },
    /// The rack's own directories failed it.
    #[error("{0}")]
    Directory(String),
    /// It was called off.
    #[error("the build was canceled")]
    Canceled,
}

/// Builds. The log gets every line but the reason of a failure, which is the error.
///
/// # Errors
/// See [`BuildError`].
pub async fn build(job: BuildJob, log: Log) -> Result<BuiltManifest, BuildError> {
    let built = build_in_place(&job, &log).await;
    if built.is_err() {
        // The failure is the news; what stays behind is replaced by the next attempt.
        let _ = clear(&job.source).await;
    }
    built
}

async fn build_in_place(job: &BuildJob, log: &Log) -> Result<BuiltManifest, BuildError> {
    log(&format!("Building {} ({})", job.app, job.build));
    clear(&job.source).await?;
    let unpacked = source::unpack(job).await?;
    log(&format!("Unpacked {} entries, {}", unpacked.entries, source::size(unpacked.bytes)));
    let built = read_manifest(job, log).await?;
    for service in &built.manifest.services {
        run_step(job, service, log).await?;
    }
    Ok(built)
}

async fn clear(directory: &Path) -> Result<(), BuildError> {
    let target = directory.to_owned();
    let cleared = spawn_blocking(move || remove_directory(&target)).await;
    let failed = |error: &dyn std::fmt::Display| {
        BuildError::Directory(format!("{}: {error}", directory.display()))
    };
    match cleared {
        Ok(result) => result.map_err(|error| failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}

async fn read_manifest(job: &BuildJob, log: &Log) -> Result<BuiltManifest, BuildError> {
    let file = job.manifest_name.as_deref().unwrap_or("convox.yml").to_owned();
    log(&format!("Reading {file}"));
    let text = source::manifest_text(&job.source, &file).map_err(BuildError::NoManifest)?;
    let manifest = match Manifest::parse(&text) {
        Ok(manifest) => manifest,
        Err(error) => return Err(BuildError::Manifest { file, error }),
    };
    for warning in &manifest.warnings {
        log(&format!("WARNING: {file} {warning}"));
    }
    Ok(BuiltManifest { text, manifest })
}

async fn run_step(job: &BuildJob, service: &ServiceSpec, log: &Log) -> Result<(), BuildError> {
    if job.stop.is_cancelled() {
        return Err(BuildError::Canceled);
    }
    match &service.build {
        Some(command) => step::run(job, service, command, log).await,
        None => Ok(()),
    }
}
