use crate::commands::restart::{Restarted, restart};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::ServiceName;

/// Restart a service
///
/// The rack replaces its processes by new ones. Returns once the rack has accepted the restart.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox services restart web\n  \
                        convox services restart web -a convox-guide")]
pub(crate) struct Args {
    /// Service to restart
    service: ServiceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    restart(cx, &rack, &app, &args.service).await?;
    Ok(Outcome::json(Restarted { app, restarted: vec![args.service] }))
}
