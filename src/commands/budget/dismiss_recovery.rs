use super::{AckFlag, requires};
use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use convox_wire::{AppName, DismissedRecovery};

/// Dismiss the note that services were restored after a shutdown
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox budget dismiss-recovery convox-guide\n  \
                        convox budget dismiss-recovery convox-guide -r staging")]
pub(crate) struct Args {
    /// App name
    app: AppName,
    #[command(flatten)]
    ack: AckFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { app, ack } = args;
    let rack = cx.rack().await?;
    let dismissed = rack.dismiss_recovery(&app, &ack.name(cx)).await;
    let dismissed = dismissed.map_err(requires("budget dismiss-recovery"))?;
    let status = dismissed.map_or("dismissed".to_owned(), |dismissed| dismissed.status);
    cx.emit(Event::Line(match status.as_str() {
        "dismissed" => format!("Banner dismissed for {app}."),
        "already-dismissed" => format!("Banner already dismissed for {app}."),
        "no-banner" => format!("No recovery banner active for {app}."),
        other => format!("Banner status for {app}: {other}."),
    }))?;
    ack.warn(cx);
    Ok(Outcome::json(DismissedRecovery { app, status }))
}
