//! The cost of apps (v3 from 3.24.6 on).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::AppName;
use super::serde_forms::{empty_as_none, go_float, null_is_empty, year1_as_none};

/// What an app has cost this month (`GET /apps/{app}/cost`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AppCost {
    /// The app.
    pub app: AppName,
    /// When the month began.
    #[serde(default, with = "year1_as_none")]
    pub month_start: Option<DateTime<Utc>>,
    /// When this was measured.
    #[serde(default, with = "year1_as_none")]
    pub as_of: Option<DateTime<Utc>>,
    /// In US dollars.
    #[serde(default, with = "go_float")]
    pub spend_usd: f64,
    /// The cost of each service.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub breakdown: Vec<ServiceCost>,
    /// The cost of each service by kind of node.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub variant_breakdown: Vec<VariantCost>,
    /// Where the prices come from.
    #[serde(default, with = "empty_as_none")]
    pub pricing_source: Option<String>,
    /// The version of the prices.
    #[serde(default, with = "empty_as_none")]
    pub pricing_table_version: Option<String>,
    /// The factor on list prices.
    #[serde(default, with = "go_float")]
    pub pricing_adjustment: f64,
    /// The number of warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning_count: Option<i64>,
    /// Whether the rack measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_enabled: Option<bool>,
}

/// The cost of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ServiceCost {
    /// The service, or `_build` and `_unattributed`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub service: String,
    /// Hours of a GPU.
    #[serde(default, with = "go_float")]
    pub gpu_hours: f64,
    /// Hours of a core.
    #[serde(default, with = "go_float")]
    pub cpu_hours: f64,
    /// Hours of a GB of memory.
    #[serde(default, with = "go_float")]
    pub mem_gb_hours: f64,
    /// The kind of node.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// In US dollars.
    #[serde(default, with = "go_float")]
    pub spend_usd: f64,
    /// How the cost was attributed.
    #[serde(default, with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
}

/// The cost of a service on one kind of node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct VariantCost {
    /// The service.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub service: String,
    /// The kind of node.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub instance_type: String,
    /// `on-demand`, `spot` or `unknown`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub capacity_type: String,
    /// In US dollars.
    #[serde(default, with = "go_float")]
    pub spend_usd: f64,
    /// The number of processes now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
}
