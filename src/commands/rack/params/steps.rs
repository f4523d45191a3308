//! What the parameters of a rack may be: the checks of 3.x clients, in their order, so that of
//! several mistakes the same one is reported each time.

use super::checks::Check::{Host, Karpenter, RequestedParams, Value};
use super::checks::Step;
use super::values::{
    ARCHITECTURES, all_of, capacities, duration_in, ensure, is_digits, is_integer, is_positive,
    is_quantity, labels, pairs, positive_up_to, taints, timeout,
};
use super::{json, karpenter, names, router, together};

/// The names whose values are Kubernetes resource quantities.
const QUANTITIES: &str = "contour_cpu_request contour_memory_request envoy_cpu_request \
                          envoy_memory_request fluentd_memory";

/// The steps. 1 to 3 are taken for all racks, the others for v3 racks.
#[rustfmt::skip] // a table
pub(super) const STEPS: &[Step] = &[
    // Names.
    Step(1, RequestedParams(names::none_for_installation)),
    Step(2, RequestedParams(names::none_empty)),
    Step(3, RequestedParams(names::none_removed)),
    Step(4, RequestedParams(names::none_managed)),
    Step(5, RequestedParams(names::all_known)),
    Step(6, RequestedParams(names::blank_only_if_clearable)),
    Step(7, RequestedParams(together::both_schedules)),
    // Values.
    Step(8, Value("tags", |name, value|
        ensure(pairs(value).is_some(), || format!("invalid value for {name} param")))),
    Step(9, Value("terraform_update_timeout", timeout)),
    Step(10, Value("imds_http_tokens", |name, value|
        ensure(matches!(value, "optional" | "required"),
            || format!("param '{name}' must be 'optional' or 'required'")))),
    Step(11, Value("node_capacity_type", |name, value|
        ensure(matches!(value.to_ascii_lowercase().as_str(), "on_demand" | "spot" | "mixed"),
            || format!("param '{name}' must be 'on_demand', 'spot', or 'mixed'")))),
    Step(12, Value(QUANTITIES, |name, value|
        ensure(is_quantity(value),
            || format!("param '{name}' must be a Kubernetes resource quantity (e.g., '100m', '256Mi', '1Gi')")))),
    Step(13, Value("router_type", |name, value|
        ensure(matches!(value.to_ascii_lowercase().as_str(), "nginx" | "contour"),
            || format!("param '{name}' must be 'nginx' or 'contour'")))),
    Step(14, RequestedParams(router::warn)),
    Step(15, Value("access_log_retention_in_days", |name, value|
        ensure(is_integer(value), || format!("param '{name}' must be an integer")))),
    // Karpenter, and other parameters that depend on each other.
    Step(16, RequestedParams(karpenter::only_on_aws)),
    Step(17, Value("eks_access_entries karpenter_auth_mode karpenter_enabled", |name, value|
        ensure(matches!(value, "true" | "false"),
            || format!("param '{name}' must be 'true' or 'false'")))),
    Step(18, RequestedParams(karpenter::not_turned_back)),
    Step(19, RequestedParams(karpenter::with_auth_mode)),
    Step(20, RequestedParams(karpenter::with_on_demand_nodes)),
    Step(21, RequestedParams(karpenter::keeps_on_demand_nodes)),
    Step(22, RequestedParams(karpenter::without_launch_template)),
    Step(23, RequestedParams(together::gpu_observability_with_plugin)),
    Step(24, RequestedParams(together::docker_hub_cache_with_credentials)),
    // Values of Karpenter.
    Step(25, Value("karpenter_node_volume_type", |name, value|
        ensure(matches!(value, "gp2" | "gp3" | "io1" | "io2"),
            || format!("param '{name}' must be gp2, gp3, io1, or io2")))),
    Step(26, Karpenter("karpenter_arch", |_, value|
        all_of(value, &ARCHITECTURES,
            |one| format!("invalid karpenter architecture: {one} (must be amd64 or arm64)")))),
    Step(27, RequestedParams(together::store_booleans)),
    Step(28, Karpenter("karpenter_capacity_types karpenter_build_capacity_types", capacities)),
    Step(29, Karpenter("karpenter_cpu_limit karpenter_memory_limit_gb karpenter_build_cpu_limit karpenter_build_memory_limit_gb", |name, value|
        ensure(is_positive(value), || format!("{name} must be a positive integer")))),
    Step(30, Karpenter("karpenter_consolidate_after karpenter_build_consolidate_after", |name, value|
        ensure(is_digits(value, &["s", "m", "h"]),
            || format!("{name} must be a duration like 30s, 5m, or 1h")))),
    Step(31, Karpenter("karpenter_node_expiry", |name, value|
        ensure(value == "Never" || is_digits(value, &["h"]),
            || format!("{name} must be a duration like 720h or Never")))),
    Step(32, Karpenter("karpenter_disruption_budget_nodes", |name, value|
        ensure(is_digits(value, &["%", ""]),
            || format!("{name} must be a number or percentage (e.g. 10%)")))),
    Step(33, Karpenter("karpenter_node_taints", |_, value|
        taints(value).map_err(|problem| problem.of_parameter("karpenter_node_taints")))),
    Step(34, Karpenter("karpenter_node_labels karpenter_build_node_labels", labels)),
    // Documents, and what is left.
    Step(35, RequestedParams(json::check_and_encode)),
    Step(36, Host("prometheus_url")),
    Step(37, Value("dcgm_scrape_interval release_watcher_gc_interval", |name, value| match name {
        "dcgm_scrape_interval" => duration_in(name, value, 15..=300, "30s, 1m", "15s and 300s"),
        _ => duration_in(name, value, 60..=3600, "5m, 1h", "60s and 1h"),
    })),
    Step(38, Value("gpu_metrics_max_pods gpu_metrics_max_concurrent", |name, value|
        positive_up_to(name, value, if name == "gpu_metrics_max_pods" { 500 } else { 50 }))),
    Step(39, Value("grafana_dashboard_var_rack grafana_dashboard_var_namespace grafana_dashboard_var_service grafana_dashboard_var_app", |name, value|
        ensure(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            || format!("{name}: must contain only letters, digits, and underscore (got \"{value}\")")))),
];
