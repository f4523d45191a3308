//! `budget …`: what an app may cost in a month (racks from 3.24.6 on).

pub(crate) mod cap;
pub(crate) mod clear;
pub(crate) mod dismiss_recovery;
mod money;
pub(crate) mod reset;
pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod simulate_shutdown;

pub(super) use money::{FOOTNOTE, is_tiny, usd};

use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use convox_client::rack::compat::V3_24_6;
use convox_client::rack::{Error, Rack};
use convox_wire::AppName;

/// Who changes a budget.
#[derive(clap::Args)]
struct AckFlag {
    #[arg(long, value_name = "NAME", hide = true)]
    ack_by: Option<String>,
}

impl AckFlag {
    /// The name to send: racks record it unless the login has one.
    fn name(&self, cx: &Context) -> String {
        let variables = &cx.settings.env;
        let given = self.ack_by.clone().or_else(|| variables.actor.clone());
        given.or_else(|| variables.user.clone()).unwrap_or_else(|| "cli".to_owned())
    }

    /// Warns about the flag, once the change is made.
    fn warn(&self, cx: &Context) {
        if self.ack_by.is_some() {
            cx.warn(
                "--ack-by is deprecated; ack_by is now derived from your JWT identity. Flag will \
                 be rejected in 3.25.0.",
            );
        }
    }
}

/// Explains that the rack is too old for a feature.
fn requires(feature: &str) -> impl Fn(Error) -> CommandError {
    move |error| match error.is_missing_route() {
        true => CommandError::new(format!("{feature} requires {}", V3_24_6.requirement())),
        false => error.into(),
    }
}

const BUDGETS: &str = "budget caps";

/// Parses a number of dollars, or a factor.
fn number(flag: &str, text: &str) -> Result<f64, CommandError> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(CommandError::new(format!("{flag} must be a finite number"))),
        Err(_) => Err(CommandError::new(format!("{flag} must be a number: {text:?}"))),
    }
}

/// Warns if a cap is below what was spent already. Without cost data there is no warning.
async fn warn_below_spend(cx: &Context, rack: &Rack, app: &AppName, flag: &str, cap: f64) {
    let Ok(Some(cost)) = rack.cost(app).await else { return };
    if cap < cost.spend_usd {
        cx.warn(format!(
            "{flag}={} is below current month-to-date spend {}. Cap will trip immediately on next \
             accumulator tick.",
            usd(cap),
            usd(cost.spend_usd)
        ));
    }
}

/// The app whose budget was changed.
#[derive(Serialize)]
struct Changed {
    app: AppName,
}
