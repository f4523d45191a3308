//! What the values of single parameters may be.

use super::values::{
    are_capacities, duration, has_label, is_positive, is_quantity, pairs, taint_problem, within,
};
use crate::flows::rack_parameter_names::{QUANTITIES, has};

/// A rule for the value of some parameters. Empty values have no rule.
pub(super) struct Rule {
    names: &'static str,
    is_valid: fn(&str) -> bool,
    problem: fn(&str, &str) -> String,
}

impl Rule {
    /// Returns what is wrong with a parameter, if anything is.
    pub(super) fn problem(&self, name: &str, value: &str) -> Option<String> {
        let covers = !value.is_empty() && has(self.names, name);
        (covers && !(self.is_valid)(value)).then(|| (self.problem)(name, value))
    }
}

/// The rules, in the order of the 3.x clients.
pub(super) const RULES: &[Rule] = &[
    Rule {
        names: "tags",
        is_valid: |value| pairs(value).is_some(),
        problem: |name, _| format!("invalid value for {name} param"),
    },
    Rule {
        names: "terraform_update_timeout",
        is_valid: |value| duration(value).is_some_and(|time| !time.is_zero()),
        problem: |name, value| match duration(value) {
            Some(_) => format!("invalid value for {name}: must be a positive duration"),
            None => format!(
                "invalid value for {name}: must be a valid duration (e.g., '2h', '90m', '2h30m')"
            ),
        },
    },
    Rule {
        names: "imds_http_tokens",
        is_valid: |value| matches!(value, "optional" | "required"),
        problem: |name, _| format!("param '{name}' must be 'optional' or 'required'"),
    },
    Rule {
        names: "node_capacity_type",
        is_valid: |value| {
            matches!(value.to_ascii_lowercase().as_str(), "on_demand" | "spot" | "mixed")
        },
        problem: |name, _| format!("param '{name}' must be 'on_demand', 'spot', or 'mixed'"),
    },
    Rule {
        names: QUANTITIES,
        is_valid: is_quantity,
        problem: |name, _| {
            format!(
                "param '{name}' must be a Kubernetes resource quantity (e.g., '100m', '256Mi', \
                 '1Gi')"
            )
        },
    },
    Rule {
        names: "router_type",
        is_valid: |value| matches!(value.to_ascii_lowercase().as_str(), "nginx" | "contour"),
        problem: |name, _| format!("param '{name}' must be 'nginx' or 'contour'"),
    },
    Rule {
        names: "access_log_retention_in_days",
        is_valid: |value| value.parse::<i64>().is_ok(),
        problem: |name, _| format!("param '{name}' must be an integer"),
    },
    Rule {
        names: "eks_access_entries karpenter_auth_mode karpenter_enabled",
        is_valid: |value| matches!(value, "true" | "false"),
        problem: |name, _| format!("param '{name}' must be 'true' or 'false'"),
    },
    Rule {
        names: "karpenter_node_volume_type",
        is_valid: |value| matches!(value, "gp2" | "gp3" | "io1" | "io2"),
        problem: |name, _| format!("param '{name}' must be gp2, gp3, io1, or io2"),
    },
    Rule {
        names: "karpenter_arch",
        is_valid: |value| matches!(value, "amd64" | "arm64"),
        problem: |_, value| {
            format!("invalid karpenter architecture: {value} (must be amd64 or arm64)")
        },
    },
    Rule {
        names: "karpenter_capacity_types",
        is_valid: are_capacities,
        problem: |_, value| {
            format!("invalid karpenter capacity type: {value} (must be on-demand or spot)")
        },
    },
    Rule {
        names: "karpenter_build_capacity_types",
        is_valid: are_capacities,
        problem: |_, value| {
            format!("invalid karpenter build capacity type: {value} (must be on-demand or spot)")
        },
    },
    Rule {
        names: "karpenter_cpu_limit karpenter_memory_limit_gb karpenter_build_cpu_limit \
                karpenter_build_memory_limit_gb",
        is_valid: is_positive,
        problem: |name, _| format!("{name} must be a positive integer"),
    },
    Rule {
        names: "karpenter_consolidate_after karpenter_build_consolidate_after",
        is_valid: |value| duration(value).is_some(),
        problem: |name, _| format!("{name} must be a duration like 30s, 5m, or 1h"),
    },
    Rule {
        names: "karpenter_node_expiry",
        is_valid: |value| value == "Never" || duration(value).is_some(),
        problem: |name, _| format!("{name} must be a duration like 720h or Never"),
    },
    Rule {
        names: "karpenter_disruption_budget_nodes",
        is_valid: |value| {
            let number = value.strip_suffix('%').unwrap_or(value);
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        },
        problem: |name, _| format!("{name} must be a number or percentage (e.g. 10%)"),
    },
    Rule {
        names: "karpenter_node_taints",
        is_valid: |value| taint_problem(value).is_none(),
        problem: |name, value| format!("{name}: {}", taint_problem(value).unwrap_or_default()),
    },
    Rule {
        names: "karpenter_node_labels karpenter_build_node_labels",
        is_valid: |value| !value.contains('"'),
        problem: |name, _| format!("{name}: label keys and values must not contain double quotes"),
    },
    Rule {
        names: "karpenter_node_labels karpenter_build_node_labels",
        is_valid: |value| !has_label(value, "convox.io/nodepool"),
        problem: |name, _| {
            format!(
                "{name}: 'convox.io/nodepool' is a Convox-reserved label key and cannot be \
                 overridden"
            )
        },
    },
    Rule {
        names: "karpenter_build_node_labels",
        is_valid: |value| !has_label(value, "convox-build"),
        problem: |name, _| {
            format!(
                "{name}: 'convox-build' is a Convox-reserved label key and cannot be overridden"
            )
        },
    },
    Rule {
        names: "dcgm_scrape_interval",
        is_valid: |value| within(value, 15, 300),
        problem: |name, value| match duration(value) {
            Some(_) => format!("{name}: must be between 15s and 300s (got {value})"),
            None => format!("{name}: must be a valid duration (e.g. 30s, 1m)"),
        },
    },
    Rule {
        names: "release_watcher_gc_interval",
        is_valid: |value| within(value, 60, 3600),
        problem: |name, value| match duration(value) {
            Some(_) => format!("{name}: must be between 60s and 1h (got {value})"),
            None => format!("{name}: must be a valid duration (e.g. 5m, 1h)"),
        },
    },
    Rule {
        names: "gpu_metrics_max_pods gpu_metrics_max_concurrent",
        is_valid: is_positive,
        problem: |name, value| format!("{name}: must be a positive integer (got \"{value}\")"),
    },
    Rule {
        names: "gpu_metrics_max_pods",
        is_valid: |value| value.parse::<u64>().is_ok_and(|number| number <= 500),
        problem: |name, value| format!("{name}: must be at most 500 (got {value})"),
    },
    Rule {
        names: "gpu_metrics_max_concurrent",
        is_valid: |value| value.parse::<u64>().is_ok_and(|number| number <= 50),
        problem: |name, value| format!("{name}: must be at most 50 (got {value})"),
    },
    Rule {
        names: "grafana_dashboard_var_rack grafana_dashboard_var_namespace \
                grafana_dashboard_var_service grafana_dashboard_var_app",
        is_valid: |value| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        problem: |name, value| {
            format!("{name}: must contain only letters, digits, and underscore (got \"{value}\")")
        },
    },
];
