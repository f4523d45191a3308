//! Budgets of apps (v3 from 3.24.6 on).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::AppName;
use super::serde_forms::{empty_as_none, go_float, null_is_empty, year1_as_none};

/// An app's budget and what is spent of it (`GET /apps/{app}/budget`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppBudget {
    /// The budget, if there is one.
    pub config: Option<BudgetConfig>,
    /// The spending of the month, if it was measured.
    pub state: Option<BudgetState>,
}

/// The settings of a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BudgetConfig {
    /// The monthly cap in US dollars.
    #[serde(default, with = "go_float")]
    pub monthly_cap_usd: f64,
    /// The percentage of the cap at which an alert is sent.
    #[serde(default, with = "go_float::option", skip_serializing_if = "Option::is_none")]
    pub alert_threshold_percent: Option<f64>,
    /// `alert-only`, `block-new-deploys` or `auto-shutdown`.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub at_cap_action: Option<String>,
    /// The factor on list prices.
    #[serde(default, with = "go_float::option", skip_serializing_if = "Option::is_none")]
    pub pricing_adjustment: Option<f64>,
    /// Who changed the cap last.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub last_cap_mutation_by: Option<String>,
}

/// The spending of a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BudgetState {
    /// When the month began.
    #[serde(default, with = "year1_as_none")]
    pub month_start: Option<DateTime<Utc>>,
    /// What was spent, in US dollars.
    #[serde(default, with = "go_float")]
    pub current_month_spend_usd: f64,
    /// When that was measured.
    #[serde(default, with = "year1_as_none")]
    pub current_month_spend_as_of: Option<DateTime<Utc>>,
    /// When the alert at the threshold was sent.
    #[serde(default, with = "year1_as_none")]
    pub alert_fired_at_threshold: Option<DateTime<Utc>>,
    /// When the alert at the cap was sent.
    #[serde(default, with = "year1_as_none")]
    pub alert_fired_at_cap: Option<DateTime<Utc>>,
    /// Whether the cap was exceeded and not acknowledged.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "is_false")]
    pub circuit_breaker_tripped: bool,
    /// When it was acknowledged.
    #[serde(default, with = "year1_as_none")]
    pub circuit_breaker_ack_at: Option<DateTime<Utc>>,
    /// Who acknowledged it.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub circuit_breaker_ack_by: Option<String>,
    /// The number of warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning_count: Option<i64>,
    /// What was spent on each service, in US dollars.
    #[serde(default, with = "go_float::map", skip_serializing_if = "BTreeMap::is_empty")]
    pub per_service_spend_usd: BTreeMap<String, f64>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// What an exceeded budget does to the services of an app (`GET
/// /apps/{app}/budget/shutdown-state`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShutdownState {
    /// When the shutdown was announced.
    pub armed_at: Option<DateTime<Utc>>,
    /// When services were scaled to 0.
    pub shutdown_at: Option<DateTime<Utc>>,
    /// When they were restored.
    pub restored_at: Option<DateTime<Utc>>,
    /// No other shutdown before this time.
    pub flap_suppressed_until: Option<DateTime<Utc>>,
    /// When a failure was reported.
    pub failed_notification_fired_at: Option<DateTime<Utc>>,
    /// Why it failed.
    #[serde(with = "empty_as_none")]
    pub failure_reason: Option<String>,
    /// The minutes between the announcement and the shutdown.
    pub notify_before_minutes: Option<i64>,
    /// The services that were scaled to 0.
    #[serde(deserialize_with = "null_is_empty")]
    pub services: Vec<ShutdownService>,
}

impl ShutdownState {
    /// Without a setting of its own, an app is shut down this long after the announcement.
    const NOTIFY_BEFORE_MINUTES: i64 = 30;

    /// Returns when the services will be stopped, if that is announced.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        let minutes = self.notify_before_minutes.unwrap_or(Self::NOTIFY_BEFORE_MINUTES);
        self.armed_at?.checked_add_signed(TimeDelta::try_minutes(minutes)?)
    }
}

/// A service that was scaled to 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShutdownService {
    /// The name.
    #[serde(deserialize_with = "null_is_empty")]
    pub name: String,
}

/// What a shutdown would do (`POST /apps/{app}/budget/simulate-shutdown`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ShutdownSimulation {
    /// The action at the cap.
    #[serde(deserialize_with = "null_is_empty")]
    pub at_cap_action: String,
    /// Where events are sent.
    #[serde(deserialize_with = "null_is_empty")]
    pub webhook_url: String,
    /// The minutes between the announcement and the shutdown.
    #[serde(deserialize_with = "null_is_empty")]
    pub notify_before_minutes: i64,
    /// The time that processes get to end, such as `5m`.
    #[serde(deserialize_with = "null_is_empty")]
    pub shutdown_grace_period: String,
    /// The order of the services, such as `largest-cost`.
    #[serde(deserialize_with = "null_is_empty")]
    pub shutdown_order: String,
    /// How services are restored, such as `auto-on-reset`.
    #[serde(deserialize_with = "null_is_empty")]
    pub recovery_mode: String,
    /// Every service, and whether it would be stopped.
    #[serde(deserialize_with = "null_is_empty")]
    pub eligibility: Vec<Eligibility>,
    /// The services that would be stopped, in order.
    #[serde(deserialize_with = "null_is_empty")]
    pub would_shut_down_services: Vec<String>,
    /// What that would save, in US dollars per hour.
    #[serde(with = "go_float")]
    pub estimated_cost_saved_usd_per_hour: f64,
}

/// Whether a service would be stopped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Eligibility {
    /// The service.
    #[serde(deserialize_with = "null_is_empty")]
    pub service: String,
    /// Whether it would be stopped.
    #[serde(deserialize_with = "null_is_empty")]
    pub eligible: bool,
    /// Why not.
    #[serde(with = "empty_as_none")]
    pub reason: Option<String>,
    /// The number of processes.
    #[serde(deserialize_with = "null_is_empty")]
    pub replicas: i64,
    /// Their cost, in US dollars per hour.
    #[serde(with = "go_float")]
    pub cost_usd_per_hour: f64,
}

/// The outcome of dismissing the note of a recovery (`POST
/// /apps/{app}/budget/dismiss-recovery`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DismissedRecovery {
    /// The app.
    pub app: AppName,
    /// `dismissed`, `already-dismissed` or `no-banner`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(state: &str) -> Option<String> {
        let state: ShutdownState = serde_json::from_str(state).unwrap();
        state.due().map(|time| time.to_rfc3339())
    }

    #[test]
    fn a_shutdown_is_due_half_an_hour_after_it_was_announced_unless_another_time_is_set() {
        let armed = |more: &str| due(&format!(r#"{{"armedAt":"2026-02-11T09:50:00Z"{more}}}"#));
        assert_eq!(armed("").as_deref(), Some("2026-02-11T10:20:00+00:00"));
        let later = armed(r#","notifyBeforeMinutes":45"#);
        assert_eq!(later.as_deref(), Some("2026-02-11T10:35:00+00:00"));
        assert_eq!(armed(r#","notifyBeforeMinutes":9223372036854775807"#), None);
        assert_eq!(due("{}"), None);
    }
}
