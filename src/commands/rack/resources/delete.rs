use super::wait::{Goal, until_done};
use super::{Changed, not_there};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::RackResourceName;

/// Delete a resource of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources delete database\n  \
                        convox rack resources delete database -r staging")]
pub(crate) struct Args {
    /// Name of the resource
    resource: RackResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let resource = args.resource;
    let delete = async {
        rack.delete_rack_resource(&resource).await.map_err(not_there)?;
        until_done(cx, &rack, &resource, Goal::Deleted).await
    };
    cx.step("Deleting resource", delete).await?;
    Ok(Outcome::json(Changed { resource }))
}
