use super::wait::{Goal, until_done};
use super::{Changed, not_there};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::RackResourceName;

/// Take the URL of a resource of a rack from an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources unlink database -a convox-guide\n  \
                        convox rack resources unlink database")]
pub(crate) struct Args {
    /// Name of the resource
    resource: RackResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let resource = args.resource;
    let unlink = async {
        rack.unlink_rack_resource(&resource, &app).await.map_err(not_there)?;
        until_done(cx, &rack, &resource, Goal::Running).await
    };
    cx.step(format!("Unlinking from {app}"), unlink).await?;
    Ok(Outcome::json(Changed { resource }))
}
