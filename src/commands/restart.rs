use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_client::rack::Rack;
use convox_wire::{AppName, ServiceName};

/// Restart all services of an app
///
/// The rack replaces the processes of each service by new ones, one service after the other. Returns
/// once the rack has accepted all restarts.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox restart\n  \
                        convox restart -a convox-guide")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let restarted = restart_all(cx, &rack, &app).await?;
    Ok(Outcome::json(Restarted { app, restarted }))
}

/// Restarts the services of an app in the order of their names.
pub(super) async fn restart_all(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
) -> Result<Vec<ServiceName>, CommandError> {
    let services = rack.services(app).await?;
    let mut names: Vec<ServiceName> = services.into_iter().map(|service| service.name).collect();
    names.sort();
    for name in &names {
        restart(cx, rack, app, name).await?;
    }
    Ok(names)
}

/// Restarts a service.
pub(super) async fn restart(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    service: &ServiceName,
) -> Result<(), CommandError> {
    let restart = async { Ok(rack.restart_service(app, service).await?) };
    cx.step(format!("Restarting {service}"), restart).await
}

/// The services that were restarted.
#[derive(Serialize)]
pub(super) struct Restarted {
    pub(super) app: AppName,
    pub(super) restarted: Vec<ServiceName>,
}
