//! Builds: turn an uploaded archive into a directory that services can run in.
//!
//! A build unpacks the archive, reads and checks its manifest, and runs each service's build step
//! in the source, in the order of the manifest.

mod cache;
mod source;
mod step;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

pub(crate) use self::source::SOURCE_LIMITS;
use super::manifest::{Manifest, ManifestError, ServiceSpec};
use super::removal;
use super::runner::{BaseEnvironment, RunnerStore};
use convox_wire::{AppName, BuildId, Environment, ServiceName};

/// Receives each line of a build's log, without its line ending.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The input of a build.
pub struct BuildJob {
    /// The upload: a tar archive, compressed with gzip.
    pub archive: PathBuf,
    /// The rack's data directory, which marks the processes of the build.
    pub data: PathBuf,
    /// The directory to create, replacing an existing one. It does not exist after a failure.
    pub source: PathBuf,
    /// The build that cached directories are carried over from.
    pub earlier: Option<EarlierBuild>,
    /// The path of the manifest in the archive; `None` for `convox.yml`.
    pub manifest_name: Option<String>,
    /// The app.
    pub app: AppName,
    /// The build.
    pub build: BuildId,
    /// The environment of the release to be, for `${VAR}` in the manifest.
    pub environment: Environment,
    /// The variables that build steps inherit.
    pub base: BaseEnvironment,
    /// Records the processes of build steps, so that the next rack can stop them if this one is
    /// killed.
    pub store: Arc<dyn RunnerStore>,
    /// Cancels the build and stops its processes.
    pub stop: CancellationToken,
}

/// A complete build of the same app.
#[derive(Debug, Clone)]
pub struct EarlierBuild {
    /// The build.
    pub build: BuildId,
    /// Its source, after its build steps.
    pub source: PathBuf,
}

/// The manifest of a successful build.
#[derive(Debug, Clone)]
pub struct BuiltManifest {
    /// The text of the manifest, as in the archive.
    pub text: String,
    /// The parsed manifest.
    pub manifest: Manifest,
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The upload is not an archive, or can't be unpacked safely.
    #[error("can't unpack the upload: {0}")]
    Archive(String),
    /// The manifest is missing or can't be read.
    #[error("{0}")]
    NoManifest(String),
    /// The manifest is invalid.
    #[error("{file}{}{error}", if error.line.is_some() { " " } else { ": " })]
    Manifest {
        /// Its path in the archive.
        file: String,
        /// What is wrong with it.
        error: ManifestError,
    },
    /// A service's build step can't be started, or failed.
    #[error("services.{service}.x-dev.build: {reason}")]
    Step {
        /// The service.
        service: ServiceName,
        /// What happened.
        reason: String,
    },
    /// The rack's own directories can't be written.
    #[error("{0}")]
    Directory(String),
    /// The build was canceled.
    #[error("the build was canceled")]
    Canceled,
}

/// Runs a build. The log gets every line except the reason of a failure, which is the error.
///
/// # Errors
/// See [`BuildError`].
pub async fn build(job: BuildJob, log: Log) -> Result<BuiltManifest, BuildError> {
    let built = build_in_place(&job, &log).await;
    if built.is_err() {
        // The failure of the build is reported; what remains is removed by the next sweep.
        let _ = clear(&job.source).await;
    }
    built
}

async fn build_in_place(job: &BuildJob, log: &Log) -> Result<BuiltManifest, BuildError> {
    log(&format!("Building {} ({})", job.app, job.build));
    clear(&job.source).await?;
    let unpacked = source::unpack(job).await?;
    let entries = match unpacked.entries {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    log(&format!("Unpacked {entries}, {}", source::size(unpacked.bytes)));
    let built = read_manifest(job, log).await?;
    for service in &built.manifest.services {
        run_step(job, service, log).await?;
    }
    Ok(built)
}

async fn clear(directory: &Path) -> Result<(), BuildError> {
    let target = directory.to_owned();
    let cleared = spawn_blocking(move || removal::remove(&target)).await;
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
    let manifest = match Manifest::parse(&text, &job.environment) {
        Ok(manifest) => manifest,
        Err(error) => return Err(BuildError::Manifest { file, error }),
    };
    for warning in &manifest.warnings {
        log(&format!("WARNING: {file} {warning}"));
    }
    let undeclared = manifest.undeclared(&job.environment);
    if !undeclared.is_empty() {
        log(&format!(
            "WARNING: {file}: variables of the release that no service declares, and so none gets: {}",
            undeclared.join(", ")
        ));
    }
    Ok(BuiltManifest { text, manifest })
}

async fn run_step(job: &BuildJob, service: &ServiceSpec, log: &Log) -> Result<(), BuildError> {
    if job.stop.is_cancelled() {
        return Err(BuildError::Canceled);
    }
    match &service.build {
        Some(command) => {
            cache::restore(job, service, log).await;
            step::run(job, service, command, log).await
        }
        None => Ok(()),
    }
}
