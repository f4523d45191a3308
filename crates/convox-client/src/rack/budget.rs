//! Budgets and costs of apps (v3 from 3.24.6 on; other racks answer with an empty 404).

use std::fmt;

use chrono::{DateTime, Utc};

use crate::path;
use crate::transport::{Repeat, Request};
use convox_wire::{
    AppBudget, AppCost, AppName, DismissedRecovery, Service, ShutdownSimulation, ShutdownState,
};

use super::{Error, Rack};

/// Changes of a budget; absent ones are not sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BudgetUpdate {
    /// The monthly cap in US dollars.
    pub monthly_cap_usd: Option<f64>,
    /// The percentage of the cap at which an alert is sent.
    pub alert_threshold_percent: Option<i64>,
    /// `alert-only`, `block-new-deploys` or `auto-shutdown`.
    pub at_cap_action: Option<String>,
    /// The factor on list prices.
    pub pricing_adjustment: Option<f64>,
}

/// The effect of an exceeded budget on services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CapStatus {
    effect: Effect,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Effect {
    #[default]
    None,
    /// Deploys are blocked.
    Blocked,
    /// Services are stopped.
    Stopped,
    /// Services will be stopped in this many minutes.
    Armed(i64),
}

impl CapStatus {
    /// Returns whether there is no effect.
    pub fn is_none(&self) -> bool {
        self.effect == Effect::None
    }

    /// The word for the effect on `service`, if there is one.
    pub fn token(&self, service: &Service) -> Option<impl fmt::Display + use<>> {
        let scales = service.autoscale.as_ref().is_some_and(|autoscale| autoscale.enabled);
        match self.effect {
            Effect::None => None,
            Effect::Armed(minutes) => Some(format!("armed-{minutes}m")),
            _ if scales => Some("at-cap-keda".to_owned()),
            Effect::Stopped => Some("at-cap-auto".to_owned()),
            Effect::Blocked => Some("at-cap".to_owned()),
        }
    }
}

impl Rack {
    /// Returns the budget of an app (`GET /apps/{app}/budget`).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// let budget = rack.budget(&"web".parse()?).await?;
    /// if let Some(config) = budget.config {
    ///     println!("at most {} USD a month", config.monthly_cap_usd);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app; [`Error::is_missing_route`] on older racks.
    pub async fn budget(&self, app: &AppName) -> Result<AppBudget, Error> {
        self.get(path!["apps", app, "budget"]).await
    }

    /// Changes the budget of an app (`POST /apps/{app}/budget`). `ack_by` says who does.
    ///
    /// # Errors
    /// [`Error::Status`]: 400 for invalid values, 403 without the rights, 422 without cost tracking.
    pub async fn update_budget(
        &self,
        app: &AppName,
        update: &BudgetUpdate,
        ack_by: &str,
    ) -> Result<(), Error> {
        let request = Request::post(path!["apps", app, "budget"])
            .form("monthly-cap-usd", update.monthly_cap_usd.map(|usd| usd.to_string()))
            .form("alert-threshold-percent", update.alert_threshold_percent)
            .form("at-cap-action", &update.at_cap_action)
            .form("pricing-adjustment", update.pricing_adjustment.map(|by| by.to_string()))
            .form("ack_by", ack_by);
        self.act(request.repeat(Repeat::Safely)).await
    }

    /// Removes the budget of an app (`DELETE /apps/{app}/budget`).
    ///
    /// # Errors
    /// [`Error::Status`]: 403 without the rights.
    pub async fn clear_budget(&self, app: &AppName, ack_by: &str) -> Result<(), Error> {
        self.act(Request::delete(path!["apps", app, "budget"]).form("ack_by", ack_by)).await
    }

    /// Acknowledges an exceeded budget (`POST /apps/{app}/budget/reset`), and ends its cooldown too
    /// if `clear_cooldown` is set.
    ///
    /// # Errors
    /// [`Error::Status`]: `no budget configured for app: …`.
    pub async fn reset_budget(
        &self,
        app: &AppName,
        clear_cooldown: bool,
        ack_by: &str,
    ) -> Result<(), Error> {
        let request = Request::post(path!["apps", app, "budget", "reset"])
            .form("force_clear_cooldown", clear_cooldown.then_some(true))
            .form("ack_by", ack_by);
        self.act(request.repeat(Repeat::Safely)).await
    }

    /// Returns the shutdown that an exceeded budget has caused, if any (`GET
    /// /apps/{app}/budget/shutdown-state`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn shutdown_state(&self, app: &AppName) -> Result<Option<ShutdownState>, Error> {
        self.get(path!["apps", app, "budget", "shutdown-state"]).await
    }

    /// Returns what a shutdown would do (`POST /apps/{app}/budget/simulate-shutdown`). Changes
    /// nothing, but sends an event to the app's webhook.
    ///
    /// # Errors
    /// [`Error::Status`]: 400 without a budget or without auto-shutdown.
    pub async fn simulate_shutdown(
        &self,
        app: &AppName,
    ) -> Result<Option<ShutdownSimulation>, Error> {
        let path = path!["apps", app, "budget", "simulate-shutdown"];
        self.read(Request::post(path).repeat(Repeat::Safely)).await
    }

    /// Dismisses the note that services were restored (`POST
    /// /apps/{app}/budget/dismiss-recovery`).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn dismiss_recovery(
        &self,
        app: &AppName,
        ack_by: &str,
    ) -> Result<Option<DismissedRecovery>, Error> {
        let request = Request::post(path!["apps", app, "budget", "dismiss-recovery"]);
        self.read(request.form("ack_by", ack_by).repeat(Repeat::Safely)).await
    }

    /// Returns what an app has cost this month (`GET /apps/{app}/cost`).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app, or without data;
    /// [`Error::is_missing_route`] on older racks.
    pub async fn cost(&self, app: &AppName) -> Result<Option<AppCost>, Error> {
        self.get(path!["apps", app, "cost"]).await
    }

    /// Returns the effect of the app's budget on its services (`GET /apps/{app}/budget` and
    /// `…/shutdown-state`; v3 from 3.24.6 on). On racks without budgets there is none.
    ///
    /// # Errors
    /// Those of the transport, except refusals.
    pub async fn cap_status(&self, app: &AppName, now: DateTime<Utc>) -> Result<CapStatus, Error> {
        let budget = match self.budget(app).await {
            Ok(budget) => budget,
            Err(Error::Status { .. }) => return Ok(CapStatus::default()),
            Err(error) => return Err(error),
        };
        let tripped = budget.state.is_some_and(|state| state.circuit_breaker_tripped);
        let action = budget.config.and_then(|config| config.at_cap_action).unwrap_or_default();
        let effect = match action.as_str() {
            "block-new-deploys" if tripped => Effect::Blocked,
            "auto-shutdown" if tripped => self.shutdown_effect(app, now).await?,
            _ => Effect::None,
        };
        Ok(CapStatus { effect })
    }

    async fn shutdown_effect(&self, app: &AppName, now: DateTime<Utc>) -> Result<Effect, Error> {
        let state = match self.shutdown_state(app).await {
            Ok(state) => state,
            Err(Error::Status { .. }) => None,
            Err(error) => return Err(error),
        };
        let announced = state.filter(|state| state.shutdown_at.is_none());
        Ok(match announced.and_then(|state| state.due()) {
            Some(due) => Effect::Armed((due - now).num_minutes().max(1)),
            None => Effect::Stopped,
        })
    }
}
