use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::flows::notify_unavailable;
use crate::outcome::Outcome;
use crate::settings::{Secret, read_small_file};
use convox_client::rack::compat::V3_24_6;
use convox_client::rack::{BuildUpdate, CreateRelease, Error, Rack, RegistryCredentials};
use convox_client::wait::{Schedule, WaitError, until};
use convox_wire::{AppName, Build, BuildId, BuildStatus, ReleaseId};

/// The rack copies images of any size.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// Import an image from a registry as a build
///
/// The rack pulls the image and creates a release of it, with the manifest of this machine. Promote
/// the release to run it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox builds import-image ghcr.io/acme/web:1.4\n  \
                        convox builds import-image ghcr.io/acme/web:1.4 --src-creds-user ada --src-creds-pass-stdin < password")]
pub(crate) struct Args {
    /// Image to import
    image: String,
    /// Manifest to use
    #[arg(short, long, value_name = "FILE", default_value = "convox.yml")]
    manifest: PathBuf,
    /// User at the registry
    #[arg(long, value_name = "USER")]
    src_creds_user: Option<String>,
    /// Password at the registry; other users can see it in the process list
    #[arg(long, value_name = "PASSWORD", hide = true)]
    src_creds_pass: Option<String>,
    /// Environment variable with the password
    #[arg(long, value_name = "NAME")]
    src_creds_pass_env: Option<String>,
    /// Read the password from the first line of stdin
    #[arg(long)]
    src_creds_pass_stdin: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    // Everything is checked before a build exists.
    let credentials = credentials(&args, cx).await?;
    let manifest = manifest(&args, cx)?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let build = cx
        .step_with("Creating build", create(&rack, &app, manifest), |id| Some(id.to_string()))
        .await?;
    let relay = async {
        let sent = rack.import_image(&app, &build, &args.image, &credentials).await;
        sent.map_err(requires_newer_rack)
    };
    cx.step(format!("Relaying image {}", args.image), relay).await?;
    cx.step("Waiting for import to complete", finish(cx, &rack, &app, &build)).await?;
    let release = release(&rack, &app, &build);
    let release = cx.step_with("Creating release", release, |id| Some(id.to_string())).await?;
    cx.emit(Event::Line(format!("Build:   {build}")))?;
    cx.emit(Event::Line(format!("Release: {release}")))?;
    Ok(Outcome::json(Imported { app, build, release: release.clone() }).with_id(&release))
}

fn manifest(args: &Args, cx: &Context) -> Result<String, CommandError> {
    let name = args.manifest.display();
    let failed = |error| CommandError::while_doing(format!("read manifest {name}"), error);
    read_small_file(&cx.path(&args.manifest)?).map_err(failed)
}

async fn credentials(args: &Args, cx: &Context) -> Result<RegistryCredentials, CommandError> {
    let given = [
        args.src_creds_pass.is_some(),
        args.src_creds_pass_env.is_some(),
        args.src_creds_pass_stdin,
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        return Err(CommandError::new(
            "at most one of --src-creds-pass, --src-creds-pass-env, --src-creds-pass-stdin may be \
             specified",
        ));
    }
    let password = match (&args.src_creds_pass, &args.src_creds_pass_env) {
        (Some(password), _) => {
            cx.warn(
                "--src-creds-pass=<plaintext> exposes credentials via process listings. Use \
                 --src-creds-pass-env <NAME> or --src-creds-pass-stdin instead. Plaintext form \
                 will be rejected in 3.25.0.",
            );
            Some(Secret::from(password.clone()))
        }
        (None, Some(name)) => {
            let missing = || format!("--src-creds-pass-env={name}: environment variable not set");
            Some(cx.settings.secret_variable(name).ok_or_else(|| CommandError::new(missing()))?)
        }
        (None, None) if args.src_creds_pass_stdin => {
            let empty = || CommandError::new("--src-creds-pass-stdin: no input received");
            Some(cx.read_secret_line().await?.ok_or_else(empty)?)
        }
        (None, None) => None,
    };
    Ok(RegistryCredentials { user: args.src_creds_user.clone(), password })
}

async fn create(rack: &Rack, app: &AppName, manifest: String) -> Result<BuildId, CommandError> {
    let before = rack.builds_before(app).await?;
    let build = rack.start_external_build(app, &before).await?;
    let update = BuildUpdate { manifest: Some(manifest), release: None };
    rack.update_build(app, &build.id, &update).await?;
    Ok(build.id)
}

/// Racks without this route answer with an empty 404.
fn requires_newer_rack(error: Error) -> CommandError {
    match error.status() {
        Some(404) => CommandError::new(format!(
            "convox builds import-image requires {}",
            V3_24_6.requirement()
        )),
        _ => error.into(),
    }
}

async fn finish(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
) -> Result<(), CommandError> {
    let show = || Hint::command("follow it with", "builds info").arg(id).app(app);
    let polled = rack.without_retries();
    let has_ended = async |_| {
        let build = polled.build(app, id).await?;
        Ok((!build.status.is_under_way()).then_some(build))
    };
    let schedule = Schedule { limit: LIMIT, ..cx.polls(LIMIT) };
    let build: Build = match until(schedule, notify_unavailable(cx), has_ended).await {
        Ok(build) => build,
        Err(WaitError::TimedOut) => {
            let text = format!("import {id} timed out after 2 hours");
            return Err(CommandError::timed_out(text).hint(show()));
        }
        Err(WaitError::Rack(error)) => return Err(CommandError::from(error).hint(show())),
    };
    match (build.status, build.reason) {
        (BuildStatus::Complete, _) => Ok(()),
        (_, Some(reason)) => Err(CommandError::new(format!("import failed: {reason}"))),
        (_, None) => Err(CommandError::new("import failed").hint(show())),
    }
}

async fn release(rack: &Rack, app: &AppName, build: &BuildId) -> Result<ReleaseId, CommandError> {
    let before = rack.releases_before(app).await?;
    let options = CreateRelease { build: Some(build.clone()), ..CreateRelease::default() };
    let release = rack.create_release(app, &options, &before).await?.id;
    let update = BuildUpdate { manifest: None, release: Some(release.clone()) };
    rack.update_build(app, build, &update).await?;
    Ok(release)
}

#[derive(Serialize)]
struct Imported {
    app: AppName,
    build: BuildId,
    release: ReleaseId,
}
