use super::{AckFlag, BUDGETS, Changed, number, requires, warn_below_spend};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_client::rack::BudgetUpdate;
use convox_wire::AppName;

const ACTIONS: [&str; 3] = ["alert-only", "block-new-deploys", AUTO_SHUTDOWN];
const AUTO_SHUTDOWN: &str = "auto-shutdown";
const ALERT_AT: i64 = 80;

/// Set the budget of an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox budget set convox-guide --monthly-cap 200\n  \
                        convox budget set convox-guide --monthly-cap 200 --alert-at 75")]
pub(crate) struct Args {
    /// App name
    app: AppName,
    /// What the app may cost in a month, in US dollars
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    monthly_cap: Option<String>,
    /// Percentage of the cap at which an alert is sent; 80 by default
    #[arg(long, value_name = "PERCENT")]
    alert_at: Option<i64>,
    /// What happens at the cap: alert-only (the default), block-new-deploys or auto-shutdown
    #[arg(long, value_name = "ACTION")]
    at_cap_action: Option<String>,
    /// Factor on list prices
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    pricing_adjustment: Option<String>,
    #[command(flatten)]
    ack: AckFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let update = args.update()?;
    let Args { app, ack, .. } = args;
    let rack = cx.rack().await?;
    if let Some(cap) = update.monthly_cap_usd {
        warn_below_spend(cx, &rack, &app, "--monthly-cap", cap).await;
    }
    if update.at_cap_action.as_deref() == Some(AUTO_SHUTDOWN) {
        warn_about_shutdown(cx);
    }
    let name = ack.name(cx);
    let set = async { rack.update_budget(&app, &update, &name).await.map_err(requires(BUDGETS)) };
    cx.step(format!("Setting budget for {app}"), set).await?;
    ack.warn(cx);
    Ok(Outcome::json(Changed { app }))
}

impl Args {
    fn update(&self) -> Result<BudgetUpdate, CommandError> {
        let wrong = |text: &str| Err(CommandError::new(text));
        let parse = |flag, text: &Option<String>| {
            text.as_deref().map(|text| number(flag, text)).transpose()
        };
        if self.monthly_cap.is_none() && (self.alert_at.is_some() || self.at_cap_action.is_some()) {
            return wrong("--alert-at and --at-cap-action require --monthly-cap");
        }
        if self.monthly_cap.is_none() && self.pricing_adjustment.is_none() {
            return wrong("--monthly-cap or --pricing-adjustment is required");
        }
        let monthly_cap_usd = parse("--monthly-cap", &self.monthly_cap)?;
        let pricing_adjustment = parse("--pricing-adjustment", &self.pricing_adjustment)?;
        let action = self.at_cap_action.as_deref().unwrap_or(ACTIONS[0]);
        if !ACTIONS.contains(&action) {
            return wrong(
                "--at-cap-action must be \"alert-only\", \"block-new-deploys\", or \
                 \"auto-shutdown\"",
            );
        }
        let with_cap = monthly_cap_usd.is_some();
        Ok(BudgetUpdate {
            monthly_cap_usd,
            alert_threshold_percent: with_cap.then_some(self.alert_at.unwrap_or(ALERT_AT)),
            at_cap_action: with_cap.then(|| action.to_owned()),
            pricing_adjustment,
        })
    }
}

fn warn_about_shutdown(cx: &Context) {
    cx.warn(
        "auto-shutdown will scale eligible services to 0 replicas at cap breach. Verify your \
         atCapWebhookUrl is configured (configured in convox.yml budget block) and your team is \
         paged on :armed events. Run 'convox budget simulate-shutdown <app>' to validate the \
         configuration.",
    );
    cx.ui.error_line(
        "NOTE: services with KEDA idleReplicaCount: 0 will return to KEDA-driven scaling at \
         restore and may scale back to 0 if triggers are inactive. This is the user's KEDA config \
         working as intended.",
    );
}
