use chrono::{DateTime, SecondsFormat, Utc};

use super::{BUDGETS, requires};
use crate::commands::rack_json;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::sanitize::sanitize;
use convox_client::rack::Rack;
use convox_wire::{AppBudget, AppName, ShutdownState};

/// Show the budget of an app and what is spent of it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox budget show convox-guide\n  \
                        convox budget show convox-guide --json")]
pub(crate) struct Args {
    /// App name
    app: AppName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = args.app;
    let rack = cx.rack().await?;
    let budget = rack.budget(&app).await.map_err(requires(BUDGETS))?;
    let shown = rack_json(&budget)?;
    if budget.config.is_none() {
        return Ok(Outcome::render(shown.shown_as(format!("no budget configured for {app}"))));
    }
    let mut above = String::new();
    if is_tripped(&budget) && has_autoscaled_services(&rack, &app).await? {
        above.push_str(
            "KEDA-managed services may scale despite block-new-deploys\n\
             (v1 limitation; auto-shutdown closes gap in 3.24.6 — see release notes)\n",
        );
    }
    // What it adds is not worth failing for.
    if let Ok(Some(state)) = rack.shutdown_state(&app).await
        && let Some(banner) = banner(&app, &state)
    {
        above.push_str(&format!("{}\n", sanitize(&banner)));
    }
    Ok(Outcome::render(shown.below(&above)))
}

fn is_tripped(budget: &AppBudget) -> bool {
    budget.state.as_ref().is_some_and(|state| state.circuit_breaker_tripped)
}

async fn has_autoscaled_services(rack: &Rack, app: &AppName) -> Result<bool, CommandError> {
    let services = rack.services(app).await?;
    Ok(services.iter().any(|service| service.autoscale.as_ref().is_some_and(|auto| auto.enabled)))
}

/// The line on the app's shutdown, if there is something to say.
fn banner(app: &AppName, state: &ShutdownState) -> Option<String> {
    let reset = format!("`convox budget reset {app}`");
    if let Some(restored) = state.restored_at {
        let cooldown = state
            .flap_suppressed_until
            .map_or(String::new(), |until| format!(" Cooldown until {}.", time(until)));
        return Some(format!(
            "[RECOVERED] Auto-shutdown RECOVERED for {app} at {}.{cooldown} Run `convox budget \
             dismiss-recovery {app}` to clear banner.",
            time(restored)
        ));
    }
    if state.failed_notification_fired_at.is_some() {
        let reason = &state.failure_reason;
        let reason = reason.as_ref().map_or(String::new(), |text| format!(" Reason: {text}."));
        return Some(format!(
            "[FAILED] Auto-shutdown FAILED for {app}.{reason} Run {reset} to clear state."
        ));
    }
    if let Some(shutdown) = state.shutdown_at {
        return Some(format!(
            "[ACTIVE] Auto-shutdown ACTIVE for {app}. {} services scaled to 0 at {}. Run {reset} \
             to restore.",
            state.services.len(),
            time(shutdown)
        ));
    }
    let due = state.due()?;
    Some(format!(
        "[ARMED] Auto-shutdown ARMED for {app}. Services will scale to 0 at {}. Run `convox budget \
         cap raise --monthly-cap-usd <higher> {app}` or {reset} to abort.",
        time(due)
    ))
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
