use super::Promoted;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::promote::promote_new;
use crate::outcome::Outcome;
use convox_client::rack::{CreateRelease, Force};
use convox_wire::ReleaseId;

/// Roll back to an older release (creates a new one)
///
/// The new release has the build and the environment of the older one. Waits until it is running.
/// Works on racks that refuse to promote an older release.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox releases rollback RZYWJKKRDLI\n  \
                        convox releases rollback RZYWJKKRDLI -a web -r staging")]
pub(crate) struct Args {
    /// Release to roll back to
    release: ReleaseId,
    /// Promote even if the app is updating
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app()?;
    let rack = cx.rack().await?;
    let create = async {
        let old = rack.release(&name, &args.release).await?;
        let before = rack.releases_before(&name).await?;
        let options =
            CreateRelease { build: old.build, env: Some(old.env), ..CreateRelease::default() };
        Ok(rack.create_release(&name, &options, &before).await?)
    };
    let doing = format!("Rolling back to {}", args.release);
    let new = cx.step_with(doing, create, |new| Some(new.id.to_string())).await?;
    let force = if args.force { Force::Yes } else { Force::No };
    promote_new(cx, &rack, &name, &new.id, cx.promote_options(force)).await?;
    Ok(Outcome::json(Promoted { app: name, release: new.id.clone() }).with_id(&new.id))
}
