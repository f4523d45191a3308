use super::{Changed, require_overrides};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::ServiceName;

/// Go back to the triggers of a service's manifest
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox services triggers disable web\n  \
                        convox services triggers disable web -a convox-guide")]
pub(crate) struct Args {
    /// Service to change
    service: ServiceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    require_overrides(&rack, "disable").await?;
    let service = args.service;
    let disable = async { Ok(rack.disable_triggers(&app, &service).await?) };
    cx.step(format!("Disabling triggers override on {service}"), disable).await?;
    Ok(Outcome::json(Changed { app, service }))
}
