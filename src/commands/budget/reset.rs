use super::{AckFlag, BUDGETS, Changed, requires};
use crate::context::{Confirmation, Context};
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::AppName;

/// Acknowledge that an app has exceeded its budget, and allow deploys again
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox budget reset convox-guide\n  \
                        convox budget reset convox-guide --force")]
pub(crate) struct Args {
    /// App name
    app: AppName,
    /// Do not ask for confirmation
    #[arg(short, long)]
    force: bool,
    /// End the cooldown after a shutdown, too
    #[arg(long)]
    force_clear_cooldown: bool,
    #[command(flatten)]
    ack: AckFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { app, force, force_clear_cooldown, ack } = args;
    if !force {
        confirm(cx, &app).await?;
    }
    let rack = cx.rack().await?;
    let name = ack.name(cx);
    let reset = async {
        let sent = rack.reset_budget(&app, force_clear_cooldown, &name).await;
        sent.map_err(requires(BUDGETS))
    };
    cx.step(format!("Resetting budget for {app}"), reset).await?;
    ack.warn(cx);
    Ok(Outcome::json(Changed { app }))
}

async fn confirm(cx: &Context, app: &AppName) -> Result<(), CommandError> {
    if !cx.can_ask() {
        return Err(CommandError::new(
            "refusing to prompt for confirmation on non-interactive stdin; pass --force to proceed",
        ));
    }
    let question = format!(
        "This will acknowledge the current spend and re-enable deploys for {app}. Continue?"
    );
    match cx.confirm(&question, Confirmation::Yes).await? {
        true => Ok(()),
        false => Err(CommandError::new("aborted")),
    }
}
