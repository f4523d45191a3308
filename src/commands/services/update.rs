use serde::Serialize;

use crate::commands::scale_flags::ScaleFlags;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::update::update;
use crate::outcome::Outcome;
use convox_client::rack::ServiceUpdate;
use convox_wire::{AppName, ServiceName};

/// Change a service
///
/// Sends the options to the rack as they are, and waits until the change is rolled out. `scale` does
/// the same and checks them first.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox services update web --count 2\n  \
                        convox services update web --cpu 256 --memory 512")]
pub(crate) struct Args {
    /// Service to change
    service: ServiceName,
    #[command(flatten)]
    flags: ScaleFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { service, flags } = args;
    let change = ServiceUpdate::from(flags);
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let sent = rack.update_service(&app, &service, &change);
    update(cx, &rack, &app, format!("Updating {service}"), sent).await?;
    Ok(Outcome::json(Updated { app, service }))
}

#[derive(Serialize)]
struct Updated {
    app: AppName,
    service: ServiceName,
}
