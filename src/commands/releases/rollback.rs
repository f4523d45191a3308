use serde::Serialize;

use super::previous::{SEARCHED, ran_before_active};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::app::read_existing;
use crate::flows::promote::promote_new;
use crate::outcome::Outcome;
use convox_client::rack::{CreateRelease, Force, Rack};
use convox_wire::{AppName, ReleaseId, rollback_description};

/// Roll back to an older release (creates a new one)
///
/// The new release has the build and the environment of the older one. Waits until it is running.
/// Works on racks that refuse to promote an older release.
///
/// Without an id, rolls back to the last release that ran before the active one. Real racks do not
/// say which releases ran; there it is the newest one with a build that is older than the active
/// release. A notice names it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox releases rollback\n  \
                        convox releases rollback RZYWJKKRDLI -a web -r staging")]
pub(crate) struct Args {
    /// Release to roll back to; defaults to the one that ran before the active one
    release: Option<ReleaseId>,
    /// Promote even if the app is updating
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app()?;
    let rack = cx.rack().await?;
    let older = match args.release {
        Some(release) => release,
        None => previous(cx, &rack, &name).await?,
    };
    let create = async {
        let old = rack.release(&name, &older).await?;
        let before = rack.releases_before(&name).await?;
        let options = CreateRelease {
            build: old.build,
            env: Some(old.env),
            description: Some(rollback_description(&older)),
            parent: None,
        };
        Ok(rack.create_release(&name, &options, &before).await?)
    };
    let doing = format!("Rolling back to {older}");
    let new = cx.step_with(doing, create, |new| Some(new.id.to_string())).await?;
    let force = if args.force { Force::Yes } else { Force::No };
    promote_new(cx, &rack, &name, &new.id, cx.promote_options(force)).await?;
    let document = RolledBack { app: name, release: new.id.clone(), rollback_to: older };
    Ok(Outcome::json(document).with_id(&new.id))
}

#[derive(Serialize)]
struct RolledBack {
    app: AppName,
    release: ReleaseId,
    rollback_to: ReleaseId,
}

/// Returns the release that ran before the active one. A notice names it.
async fn previous(cx: &Context, rack: &Rack, name: &AppName) -> Result<ReleaseId, CommandError> {
    let app = read_existing(rack, name).await?;
    let releases = rack.releases(name, Some(SEARCHED)).await?;
    let Some((active, previous)) = ran_before_active(&app, &releases) else {
        return Err(CommandError::new(format!("{name} has no release to roll back to"))
            .hint(Hint::command("list releases with", "releases").app(name)));
    };
    cx.notice(format!("no release was named: rolling back from {active} to {previous}"));
    Ok(previous.clone())
}
