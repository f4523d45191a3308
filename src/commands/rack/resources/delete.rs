use super::Changed;
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
    let delete = async { Ok(rack.delete_rack_resource(&resource).await?) };
    cx.step("Deleting resource", delete).await?;
    Ok(Outcome::json(Changed { resource }))
}
