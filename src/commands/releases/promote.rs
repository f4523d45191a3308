use super::Promoted;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::app::missing;
use crate::flows::promote::promote;
use crate::outcome::Outcome;
use crate::settings::Style;
use convox_client::rack::{Force, Rack};
use convox_wire::{AppName, ReleaseId};

/// Promote a release
///
/// Returns when the rack has accepted the promote or, with --wait, when the release is running.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox releases promote\n  \
                        convox releases promote RZYWJKKRDLI --wait --wait-timeout 10m")]
pub(crate) struct Args {
    /// Release to promote; defaults to the newest
    release: Option<ReleaseId>,
    /// Promote even if the app is updating, or the release is already active
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let release = match args.release {
        Some(release) => release,
        None => newest(cx, &rack, &app).await?,
    };
    let force = if args.force { Force::Yes } else { Force::No };
    promote(cx, &rack, &app, &release, cx.promote_options(force)).await?;
    Ok(Outcome::json(Promoted { app, release: release.clone() }).with_id(&release))
}

/// Returns the newest release. It may be another person's, so a notice names it.
async fn newest(cx: &Context, rack: &Rack, app: &AppName) -> Result<ReleaseId, CommandError> {
    let newest = rack.newest_release(app).await.map_err(|error| match error.status() {
        Some(404) => missing(app),
        _ => error.into(),
    })?;
    let Some(newest) = newest else {
        return Err(CommandError::new("no releases to promote")
            .hint(Hint::command("create one with", "deploy").app(app)));
    };
    if cx.style == Style::Classic {
        cx.notice(format!("no release was named: promoting the newest, {}", newest.id));
    }
    Ok(newest.id)
}
