//! From a directory to a release: packs it, uploads it, starts the build and follows it.

use std::path::PathBuf;

use super::commit::{self, Commit};
use super::{app, follow_build, source, starter};
use crate::context::Context;
use crate::error::CommandError;
use crate::event::{Event, Upload};
use crate::signals::{self, EndSignal};
use convox_client::rack::{BuildOptions, Compat, CreateApp, Rack};
use convox_package::{self, ManifestChoice, PackageError, Source, Spool, Times};
use convox_wire::{AppName, Build, BuildId, ReleaseId};

/// What to build.
pub(crate) struct Request {
    /// The source directory.
    pub(crate) dir: PathBuf,
    /// The manifest, if it is not the default.
    pub(crate) manifest: Option<PathBuf>,
    /// Whether to create the app if it does not exist.
    pub(crate) create: bool,
    /// Options for the rack.
    pub(crate) options: BuildOptions,
}

/// A request whose directory, manifest and app were found.
pub(crate) struct Checked {
    /// The app.
    pub(crate) app: AppName,
    /// Its rack.
    pub(crate) rack: Rack,
    source: Source,
    options: BuildOptions,
}

/// The result of a build.
pub(crate) struct Built {
    /// The build.
    pub(crate) build: BuildId,
    /// The release that it created.
    pub(crate) release: ReleaseId,
}

/// Checks what can be checked before anything is uploaded.
pub(crate) async fn check(cx: &Context, request: Request) -> Result<Checked, CommandError> {
    let source = open(cx, &request)?;
    let app = cx.app_of(&request.dir)?;
    let rack = cx.rack().await?;
    app_to_build(cx, &rack, &app, request.create).await?;
    Ok(Checked { app, rack, source, options: request.options })
}

/// Opens the directory. One without a manifest gets advice with the manifest that `init` writes.
pub(crate) fn open(cx: &Context, request: &Request) -> Result<Source, CommandError> {
    let dir = cx.path(&request.dir)?;
    Source::open(&dir, request.manifest.as_deref()).map_err(|error| {
        let is_missing = matches!(error, PackageError::NoManifest(_));
        let error = CommandError::from(error);
        if is_missing { starter::advise(error, &request.dir, &dir) } else { error }
    })
}

/// Checks that the app exists, or creates it if that is requested.
async fn app_to_build(
    cx: &Context,
    rack: &Rack,
    name: &AppName,
    create: bool,
) -> Result<(), CommandError> {
    match rack.builds(name, None).await {
        Ok(_) => Ok(()),
        Err(error) if !app::is_missing(&error) => Err(error.into()),
        Err(_) if !create => Err(app::missing(name)),
        Err(_) => {
            rack.create_app(name, &CreateApp::default()).await?;
            app::wait_until_running(cx, rack, name, cx.wait_limit()).await.map(drop)
        }
    }
}

/// Builds a checked request and follows the build to its end.
pub(crate) async fn build(cx: &Context, checked: Checked) -> Result<Built, CommandError> {
    let Checked { app, rack, source, options } = checked;
    let (commit, compat) = tokio::join!(commit::of(cx, source.root()), rack.compat());
    let compat = compat?;
    let options = complete(options, &source, &commit, &compat);
    let build = send(cx, &rack, &app, &source, &commit, &options, &compat).await?;
    cx.emit(Event::BuildStarted(build.id.clone()))?;
    follow_build::follow(cx, &rack, &app, build).await
}

/// Completes the given options with what git and the source provide.
fn complete(
    given: BuildOptions,
    source: &Source,
    commit: &Commit,
    compat: &Compat,
) -> BuildOptions {
    BuildOptions {
        description: given.description.or_else(|| commit.description.clone()),
        git_sha: commit.sha.clone(),
        manifest: manifest_to_send(source, compat),
        ..given
    }
}

/// Racks find the default manifest themselves; which one that is depends on their version.
fn manifest_to_send(source: &Source, compat: &Compat) -> Option<String> {
    let manifest = source.manifest();
    let send = match manifest.choice {
        ManifestChoice::Explicit => true,
        ManifestChoice::Default => false,
        ManifestChoice::Fallback => !compat.finds_docker_compose(),
    };
    send.then(|| manifest.name.to_string_lossy().into_owned())
}

async fn send(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    source: &Source,
    commit: &Commit,
    options: &BuildOptions,
    compat: &Compat,
) -> Result<Build, CommandError> {
    cx.emit(Event::Packaging)?;
    let times = commit.times.unwrap_or(Times::Own);
    let temp_dir = cx.settings.temp_dir();
    let spool = convox_package::spool(source, times, &temp_dir)?;
    if !compat.takes_objects() {
        return send_form(cx, rack, app, &spool, options).await;
    }
    let upload =
        async { tokio::join!(source::upload(cx, rack, app, &spool), rack.builds_before(app)) };
    let (url, before) = tokio::select! {
        uploaded = upload => uploaded,
        signal = signals::received() => {
            return Err(ended_before_the_build(signal, &spool));
        }
    };
    let (url, before) = (url?, before?);
    drop(spool);
    cx.emit(Event::StartingBuild)?;
    Ok(rack.start_build(app, &url, options, &before).await?)
}

/// The end of a run by a signal before the build was requested.
fn ended_before_the_build(signal: EndSignal, spool: &Spool) -> CommandError {
    let is_packed = spool.is_finished();
    let what = if is_packed { "no build was started" } else { "nothing was sent to be built" };
    CommandError::ended_while(signal, what)
}

/// Sends the source in the request that starts the build (racks before 20180708231844).
async fn send_form(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    spool: &Spool,
    options: &BuildOptions,
) -> Result<Build, CommandError> {
    let total = tokio::select! {
        total = source::packed(cx, spool) => total?,
        signal = signals::received() => return Err(ended_before_the_build(signal, spool)),
    };
    let before = rack.builds_before(app).await?;
    cx.emit(Event::Uploading(Upload::WithBuild))?;
    let started = tokio::time::Instant::now();
    let body = source::Body::new(spool.clone());
    let sending = std::pin::pin!(rack.start_build_of_source(app, body.clone(), options, &before));
    let build = source::with_progress(cx, &body, total, sending).await?;
    cx.emit(Event::Uploaded { upload: Upload::WithBuild, total, took: started.elapsed() })?;
    cx.emit(Event::StartingBuild)?;
    Ok(build)
}
