use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::flows::rack_update::wait_with_log;
use crate::outcome::Outcome;
use convox_wire::SystemStatus;
use serde::Serialize;

/// Wait until a rack's update is done
///
/// Shows the log of the rack meanwhile.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack wait\n  convox rack wait --wait-timeout 1h")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    cx.emit(Event::Step("Waiting for rack".to_owned()))?;
    cx.emit(Event::LogFollows)?;
    let status = wait_with_log(cx, &rack).await?.status;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(FinalStatus { status }))
}

#[derive(Serialize)]
struct FinalStatus {
    status: SystemStatus,
}
