//! Parameters that depend on each other.

use std::collections::BTreeMap;

use crate::error::CommandError;
use crate::flows::managed_rack::Current;

type Parameters = BTreeMap<String, String>;

/// Checks parameters that depend on others.
pub(super) fn check(new: &Parameters, current: &Current) -> Result<(), CommandError> {
    let refuse = |text: String| Err(CommandError::new(text));
    let was = |name: &str| current.parameters.get(name).is_some_and(|value| value == "true");
    let sets = |name: &str, value: &str| new.get(name).is_some_and(|given| given == value);
    let is = |name: &str| match new.get(name) {
        Some(value) => value == "true",
        None => was(name),
    };
    let is_karpenter = |name: &&String| {
        name.starts_with("karpenter_") || *name == "additional_karpenter_nodepools_config"
    };
    if current.provider.as_deref().is_some_and(|provider| provider != "aws")
        && new.keys().any(|name| is_karpenter(&name))
    {
        return refuse("karpenter parameters are only supported for AWS racks".to_owned());
    }
    for name in ["eks_access_entries", "karpenter_auth_mode"] {
        if was(name) && sets(name, "false") {
            return refuse(format!(
                "{name} cannot be disabled once enabled (AWS EKS access config migration is \
                 one-way)"
            ));
        }
    }
    if sets("karpenter_enabled", "true") && !is("karpenter_auth_mode") {
        return refuse("karpenter_enabled=true requires karpenter_auth_mode=true.".to_owned());
    }
    let capacity = new.get("node_capacity_type");
    let capacity = capacity.or_else(|| current.parameters.get("node_capacity_type"));
    let is_on_demand = capacity.is_none_or(|kind| kind.eq_ignore_ascii_case("on_demand"));
    if sets("karpenter_enabled", "true") && !is_on_demand {
        return refuse(
            "karpenter_enabled=true requires node_capacity_type=ON_DEMAND to prevent a \
             node\nscheduling deadlock during node group replacement."
                .to_owned(),
        );
    }
    if let Some(kind) = new.get("node_capacity_type")
        && is("karpenter_enabled")
        && !is_on_demand
    {
        return refuse(format!(
            "node_capacity_type cannot be set to {kind} while Karpenter is enabled."
        ));
    }
    if sets("gpu_observability_enable", "true") && !is("nvidia_device_plugin_enable") {
        return refuse(
            "gpu_observability_enable=true requires nvidia_device_plugin_enable=true.".to_owned(),
        );
    }
    let has_value = |name: &str| {
        let value = new.get(name).or_else(|| current.parameters.get(name));
        value.is_some_and(|value| !value.is_empty())
    };
    if sets("ecr_docker_hub_cache", "true")
        && !(has_value("docker_hub_username") && has_value("docker_hub_password"))
    {
        return refuse(
            "ecr_docker_hub_cache=true requires docker_hub_username and docker_hub_password."
                .to_owned(),
        );
    }
    Ok(())
}

/// What parameters of the router do not do, or do to running apps.
pub(super) fn router_warnings(new: &Parameters, current: &Current) -> Vec<String> {
    let before = current.parameters.get("router_type").map(|kind| kind.to_ascii_lowercase());
    let given = new.get("router_type").map(|kind| kind.to_ascii_lowercase());
    let is_contour = given.as_ref().or(before.as_ref()).is_some_and(|kind| kind == "contour");
    let mut warnings = Vec::new();
    let mut warn = |text: &str| warnings.push(text.to_owned());
    if is_contour {
        if new.contains_key("proxy_protocol") {
            warn(
                "Changing proxy_protocol while router_type=contour causes a traffic interruption \
                 of several minutes during the Envoy DaemonSet rollout. Plan this change during a \
                 maintenance window. All apps with IP whitelisting must be redeployed after the \
                 change.",
            );
        }
        if new.get("nginx_additional_config").is_some_and(|value| !value.is_empty()) {
            warn("nginx_additional_config has no effect when router_type=contour");
        }
        if new.get("ssl_ciphers").is_some_and(|value| !value.is_empty()) {
            warn(
                "custom ssl_ciphers are not applied when router_type=contour. Envoy uses its \
                 built-in cipher suite.",
            );
        }
        if new.get("ssl_protocols").is_some_and(|value| value != "TLSv1.2 TLSv1.3") {
            warn(
                "custom ssl_protocols are not applied when router_type=contour. Envoy uses TLS \
                 1.2 minimum.",
            );
        }
    }
    if let Some(given) = given.filter(|given| before.as_ref().is_some_and(|was| was != given)) {
        warn(
            "Changing router_type requires redeploying all apps. Apps will lose connectivity until \
             their next deployment.",
        );
        if given == "contour" {
            warn(
                "Router access logs will use Envoy default format. The \
                 access_log_retention_in_days param will not apply until a follow-up fluentd \
                 update.",
            );
        }
    }
    warnings
}
