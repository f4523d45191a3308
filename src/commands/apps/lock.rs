use super::Locked;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::AppName;

/// Forbid deleting an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps lock\n  \
                        convox apps lock convox-guide")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app_or(args.name.as_ref())?;
    let rack = cx.rack().await?;
    let lock = async { Ok(rack.set_app_lock(&app, true).await?) };
    cx.step(format!("Locking {app}"), lock).await?;
    Ok(Outcome::json(Locked { app, locked: true }))
}
