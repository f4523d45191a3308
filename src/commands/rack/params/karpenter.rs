//! Parameters that Karpenter depends on.

use super::checks::RequestedParams;
use crate::error::{CommandError, Hint};
use crate::flows::rack_parameter_names::has;

const ENABLED: &str = "karpenter_enabled";
const AUTH_MODE: &str = "karpenter_auth_mode";
const CAPACITY: &str = "node_capacity_type";

/// The parameters of the launch templates of nodes.
const LAUNCH_TEMPLATE: &str = "gpu_tag_enable imds_http_hop_limit imds_http_tokens \
    imds_tags_enable ebs_volume_encryption_enabled user_data user_data_url kubelet_registry_burst \
    kubelet_registry_pull_qps key_pair_name";

/// Returns whether a parameter is one of Karpenter.
pub(super) fn is_parameter(name: &str) -> bool {
    name.starts_with("karpenter_") || name == "additional_karpenter_nodepools_config"
}

/// A provider that is not known is left to the rack.
pub(super) fn only_on_aws(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let is_other = call.provider.is_some_and(|provider| provider != "aws");
    if is_other && call.new.keys().any(|name| is_parameter(name)) {
        return Err(CommandError::new("karpenter parameters are only supported for AWS racks"));
    }
    Ok(())
}

pub(super) fn not_turned_back(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let one_way = ["eks_access_entries", AUTH_MODE];
    match one_way.iter().find(|name| call.was_on(name) && call.sets(name, "false")) {
        Some(name) => Err(CommandError::new(format!(
            "{name} cannot be disabled once enabled (AWS EKS access config migration is one-way)"
        ))),
        None => Ok(()),
    }
}

pub(super) fn with_auth_mode(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    if !call.turns_on(ENABLED) || call.is_on(AUTH_MODE) {
        return Ok(());
    }
    Err(CommandError::new("karpenter_enabled=true requires karpenter_auth_mode=true.").hint(
        Hint::command("set both with", "rack params set")
            .arg("karpenter_auth_mode=true")
            .arg("karpenter_enabled=true"),
    ))
}

pub(super) fn with_on_demand_nodes(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    if !call.turns_on(ENABLED) || has_on_demand_nodes(call) {
        return Ok(());
    }
    Err(CommandError::new(
        "karpenter_enabled=true requires node_capacity_type=ON_DEMAND to prevent a node",
    )
    .with_details(["  scheduling deadlock during node group replacement.".to_owned()])
    .hint(
        Hint::command("set it first with", "rack params set").arg("node_capacity_type=on_demand"),
    ))
}

pub(super) fn keeps_on_demand_nodes(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let Some(capacity) = call.new.get(CAPACITY).filter(|_| call.is_on(ENABLED)) else {
        return Ok(());
    };
    if has_on_demand_nodes(call) {
        return Ok(());
    }
    Err(CommandError::new(format!(
        "node_capacity_type cannot be set to {capacity} while Karpenter is enabled."
    ))
    .hint("the capacity of Karpenter's nodes is set with karpenter_capacity_types"))
}

/// Nodes are on demand unless something else is set.
fn has_on_demand_nodes(call: &RequestedParams<'_>) -> bool {
    call.value(CAPACITY).is_none_or(|capacity| capacity.eq_ignore_ascii_case("on_demand"))
}

pub(super) fn without_launch_template(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let is_single = call.current.get("high_availability").is_some_and(|value| value == "false");
    if !is_single || !call.turns_on(ENABLED) {
        return Ok(());
    }
    let names = call.new.keys().filter(|name| has(LAUNCH_TEMPLATE, name));
    let names: Vec<_> = names.map(|name| format!("  {name}")).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(CommandError::new(
        "cannot change launch template settings in the same call as karpenter_enabled=true on a \
         rack without high availability:",
    )
    .with_details(names)
    .hint("set them in a call of their own, and wait until it is done"))
}
