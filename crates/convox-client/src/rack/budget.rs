//! An app's budget, as far as a list of services shows it (v3 from 3.24.6 on).

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::path;
use convox_wire::serde_forms::null_is_empty;
use convox_wire::{AppName, Service};

use super::{Error, Rack};

#[derive(Deserialize)]
struct Budget {
    config: Option<Config>,
    state: Option<State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    #[serde(default, deserialize_with = "null_is_empty")]
    at_cap_action: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct State {
    #[serde(default, deserialize_with = "null_is_empty")]
    circuit_breaker_tripped: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shutdown {
    armed_at: Option<DateTime<Utc>>,
    shutdown_at: Option<DateTime<Utc>>,
    notify_before_minutes: Option<i64>,
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
    /// Returns the effect of the app's budget on its services (`GET /apps/{app}/budget` and
    /// `…/shutdown-state`; v3 from 3.24.6 on). On racks without budgets there is none.
    ///
    /// # Errors
    /// Those of the transport, except refusals.
    pub async fn cap_status(&self, app: &AppName, now: DateTime<Utc>) -> Result<CapStatus, Error> {
        let budget = match self.get::<Budget>(path!["apps", app, "budget"]).await {
            Ok(budget) => budget,
            Err(Error::Status { .. }) => return Ok(CapStatus::default()),
            Err(error) => return Err(error),
        };
        let tripped = budget.state.is_some_and(|state| state.circuit_breaker_tripped);
        let action = budget.config.map(|config| config.at_cap_action).unwrap_or_default();
        let effect = match action.as_str() {
            "block-new-deploys" if tripped => Effect::Blocked,
            "auto-shutdown" if tripped => self.shutdown_effect(app, now).await?,
            _ => Effect::None,
        };
        Ok(CapStatus { effect })
    }

    async fn shutdown_effect(&self, app: &AppName, now: DateTime<Utc>) -> Result<Effect, Error> {
        let path = path!["apps", app, "budget", "shutdown-state"];
        let state = match self.get::<Option<Shutdown>>(path).await {
            Ok(state) => state,
            Err(Error::Status { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some(Shutdown { armed_at: Some(armed), shutdown_at: None, notify_before_minutes }) =
            state
        else {
            return Ok(Effect::Stopped);
        };
        let due = armed + chrono::TimeDelta::minutes(notify_before_minutes.unwrap_or(30));
        Ok(Effect::Armed((due - now).num_minutes().max(1)))
    }
}
