use std::fmt::Write;

use super::{FOOTNOTE, is_tiny, requires, usd};
use crate::commands::rack_json;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::sanitize::sanitize;
use convox_wire::{AppName, Eligibility, ShutdownSimulation};

/// Show what would be stopped at the cap, without stopping it
///
/// The rack sends a test event to the webhook of the budget.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox budget simulate-shutdown convox-guide\n  \
                        convox budget simulate-shutdown convox-guide --json")]
pub(crate) struct Args {
    /// App name
    app: AppName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = args.app;
    let simulation = cx.rack().await?.simulate_shutdown(&app).await;
    let simulation = simulation.map_err(requires("budget simulate-shutdown"))?;
    let shown = match &simulation {
        Some(simulation) => report(&app, simulation),
        None => format!("no simulation result for app {app}\nOK"),
    };
    Ok(Outcome::render(rack_json(&simulation)?.shown_as(shown)))
}

fn report(app: &AppName, simulation: &ShutdownSimulation) -> String {
    let mut text = format!("Simulating auto-shutdown for {app}...\n\nConfiguration:\n");
    let minutes = simulation.notify_before_minutes.to_string();
    for (name, value) in [
        ("at_cap_action", &simulation.at_cap_action),
        ("webhook URL", &simulation.webhook_url),
        ("notify_before_minutes", &minutes),
        ("shutdown_grace_period", &simulation.shutdown_grace_period),
        ("shutdown_order", &simulation.shutdown_order),
        ("recovery_mode", &simulation.recovery_mode),
    ] {
        line(&mut text, format_args!("  {name}: {}", sanitize(value)));
    }
    text.push_str("\nEligibility:\n");
    simulation.eligibility.iter().for_each(|service| eligibility(&mut text, service));
    if simulation.eligibility.iter().any(|service| is_tiny(service.cost_usd_per_hour)) {
        line(&mut text, format_args!("{FOOTNOTE}"));
    }
    line(&mut text, format_args!("\nShutdown order ({}):", sanitize(&simulation.shutdown_order)));
    for (number, service) in (1..).zip(&simulation.would_shut_down_services) {
        line(&mut text, format_args!("  {number}. {} -- would scale to 0", sanitize(service)));
    }
    let saved = usd(simulation.estimated_cost_saved_usd_per_hour);
    line(&mut text, format_args!("\nEstimated savings: {saved}/hr\n"));
    text.push_str(
        "Webhook payload sent (dry_run=true):\n  See app:budget:auto-shutdown:simulated event in \
         your atCapWebhookUrl webhook delivery and rack log aggregation\n\nStatus: SIMULATION \
         COMPLETE. No changes made.",
    );
    text
}

fn eligibility(text: &mut String, service: &Eligibility) {
    let name = sanitize(&service.service);
    match service.eligible {
        true => line(
            text,
            format_args!(
                "  {name}: ELIGIBLE -- replicas={}, cost={}/hr",
                service.replicas,
                usd(service.cost_usd_per_hour)
            ),
        ),
        false => {
            let reason = service.reason.as_deref().unwrap_or_default();
            line(text, format_args!("  {name}: EXEMPT ({})", sanitize(reason)));
        }
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{line}");
}
