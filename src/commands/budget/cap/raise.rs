use crate::commands::budget::{AckFlag, BUDGETS, Changed, number, requires, warn_below_spend};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_client::rack::BudgetUpdate;
use convox_wire::AppName;

const CAP: &str = "--monthly-cap-usd";

/// Raise what an app may cost in a month
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox budget cap raise convox-guide --monthly-cap-usd 300\n  \
                        convox budget cap raise convox-guide --monthly-cap-usd 300 --json"
)]
pub(crate) struct Args {
    /// App name
    app: AppName,
    /// The new cap in US dollars
    #[arg(long, alias = "monthly-cap", value_name = "USD", allow_hyphen_values = true)]
    monthly_cap_usd: Option<String>,
    #[command(flatten)]
    ack: AckFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { app, monthly_cap_usd, ack } = args;
    let text = monthly_cap_usd.ok_or_else(|| CommandError::new(format!("{CAP} is required")))?;
    let cap = number(CAP, &text)?;
    let rack = cx.rack().await?;
    warn_below_spend(cx, &rack, &app, CAP, cap).await;
    let update = BudgetUpdate { monthly_cap_usd: Some(cap), ..BudgetUpdate::default() };
    let name = ack.name(cx);
    let raise = async { rack.update_budget(&app, &update, &name).await.map_err(requires(BUDGETS)) };
    cx.step(format!("Raising monthly cap for {app}"), raise).await?;
    ack.warn(cx);
    Ok(Outcome::json(Changed { app }))
}
