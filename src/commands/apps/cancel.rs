use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::outcome::Outcome;
use convox_client::rack::{CreateRelease, Rack, ReleasesBefore};
use convox_wire::{AppName, ReleaseId};

/// Cancel the update of an app
///
/// Afterwards the release that the app is back to is created again, as the newest one: later changes
/// of the environment start from it and not from the canceled release.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps cancel\n  \
                        convox apps cancel convox-guide")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app_or(args.name.as_ref())?;
    let rack = cx.rack().await?;
    cx.emit(Event::Line(format!("Cancelling deployment of {app}...")))?;
    rack.cancel_app(&app).await?;
    cx.emit(Event::Line("Rewriting last active release...".to_owned()))?;
    let release = rewrite(&rack, &app).await.map_err(|error| {
        CommandError::while_doing("failed to fetch last active release", error)
            .hint(Hint::command("the update is canceled; list releases with", "releases").app(&app))
    })?;
    cx.emit(Event::Line("OK".to_owned()))?;
    Ok(Outcome::json(Canceled { app, release }))
}

/// Creates the active release again; `None` if the app has none.
async fn rewrite(
    rack: &Rack,
    app: &AppName,
) -> Result<Option<ReleaseId>, convox_client::rack::Error> {
    let active = rack.app(app).await?.release;
    let newest = rack.newest_release(app).await?.map(|release| release.id);
    let Some(id) = active.or_else(|| newest.clone()) else { return Ok(None) };
    let old = rack.release(app, &id).await?;
    let options = CreateRelease {
        build: old.build,
        description: old.description,
        env: Some(old.env),
        parent: None,
    };
    let new = rack.create_release(app, &options, &ReleasesBefore::up_to(newest)).await?;
    Ok(Some(new.id))
}

#[derive(Serialize)]
struct Canceled {
    app: AppName,
    /// The new release.
    release: Option<ReleaseId>,
}
