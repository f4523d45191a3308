use super::wait::{Goal, until_done};
use super::{Changed, not_there, parse};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::RackResourceName;

/// Change options of a resource of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources update database storage=80\n  \
                        convox rack resources update database class=large storage=80")]
pub(crate) struct Args {
    /// Name of the resource
    resource: RackResourceName,
    /// Options to set
    #[arg(value_name = "NAME=VALUE", required = true)]
    options: Vec<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let options = parse(&args.options)?;
    let rack = cx.rack().await?;
    let resource = args.resource;
    let update = async {
        rack.update_rack_resource(&resource, &options).await.map_err(not_there)?;
        until_done(cx, &rack, &resource, Goal::Running).await
    };
    cx.step("Updating resource", update).await?;
    Ok(Outcome::json(Changed { resource }))
}
