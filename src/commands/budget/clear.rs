use super::{AckFlag, BUDGETS, Changed, requires};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::AppName;

/// Remove the budget of an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox budget clear convox-guide\n  \
                        convox budget clear convox-guide -r staging")]
pub(crate) struct Args {
    /// App name
    app: AppName,
    #[command(flatten)]
    ack: AckFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { app, ack } = args;
    let rack = cx.rack().await?;
    let name = ack.name(cx);
    let clear = async { rack.clear_budget(&app, &name).await.map_err(requires(BUDGETS)) };
    cx.step(format!("Clearing budget for {app}"), clear).await?;
    ack.warn(cx);
    Ok(Outcome::json(Changed { app }))
}
