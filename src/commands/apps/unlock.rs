use super::Locked;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::AppName;

/// Allow deleting an app again
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps unlock\n  \
                        convox apps unlock convox-guide")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app_or(args.name.as_ref())?;
    let rack = cx.rack().await?;
    let unlock = async { Ok(rack.set_app_lock(&app, false).await?) };
    cx.step(format!("Unlocking {app}"), unlock).await?;
    Ok(Outcome::json(Locked { app, locked: false }))
}
