use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::flows::promote::promote_new;
use crate::outcome::Outcome;
use convox_client::rack::{CreateRelease, Force};
use convox_wire::{App, AppName, ReleaseId};

/// Create a release from the build of one release and the environment of another
///
/// Requires one option for the build and one for the environment.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox releases create-from --build-from RZYWJKKRDLI --use-active-release-env\n  \
                        convox releases create-from --use-active-release-build --env-from RZYWJKKRDLI"
)]
pub(crate) struct Args {
    /// Release to take the build from
    #[arg(long, value_name = "RELEASE")]
    build_from: Option<ReleaseId>,
    /// Release to take the environment from
    #[arg(long, value_name = "RELEASE")]
    env_from: Option<ReleaseId>,
    /// Take the build of the active release
    #[arg(long)]
    use_active_release_build: bool,
    /// Take the environment of the active release
    #[arg(long)]
    use_active_release_env: bool,
    /// Promote the new release and wait until it is running
    #[arg(long)]
    promote: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    one_of(&args.build_from, args.use_active_release_build, "build")?;
    one_of(&args.env_from, args.use_active_release_env, "env")?;
    let name = cx.app()?;
    let rack = cx.rack().await?;
    let app = rack.app(&name).await?;
    let build_from = chosen(args.build_from, &app)?;
    let env_from = chosen(args.env_from, &app)?;
    let (build, env) =
        tokio::join!(rack.release(&name, &build_from), rack.release(&name, &env_from));
    let options = CreateRelease {
        build: build?.build,
        env: Some(env?.env),
        description: Some(format!(
            "Created from build release: {build_from} and environment release: {env_from}"
        )),
        parent: None,
    };
    let before = rack.releases_before(&name).await?;
    cx.emit(Event::Line(format!("Using build from release: {build_from}")))?;
    cx.emit(Event::Line(format!("Using env from release: {env_from}")))?;
    let release = rack.create_release(&name, &options, &before).await?;
    cx.emit(Event::Line(format!("Created release: {}", release.id)))?;
    if args.promote {
        promote_new(cx, &rack, &name, &release.id, cx.promote_options(Force::No)).await?;
    } else {
        cx.emit(Event::Line("OK".to_owned()))?;
    }
    Ok(Outcome::json(Created { app: name, release: release.id, build_from, env_from }))
}

fn one_of(release: &Option<ReleaseId>, active: bool, what: &str) -> Result<(), CommandError> {
    if release.is_some() != active {
        return Ok(());
    }
    Err(CommandError::new(format!(
        "must specify either --{what}-from or --use-active-release-{what}"
    )))
}

fn chosen(release: Option<ReleaseId>, app: &App) -> Result<ReleaseId, CommandError> {
    release.or(app.release.clone()).ok_or_else(|| {
        CommandError::new(format!("app {} has no active release", app.name))
            .hint(Hint::command("choose one from", "releases").app(&app.name))
    })
}

#[derive(Serialize)]
struct Created {
    app: AppName,
    release: ReleaseId,
    build_from: ReleaseId,
    env_from: ReleaseId,
}
