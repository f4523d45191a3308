//! Which parameters can be set on a rack.

use super::checks::RequestedParams;
use super::karpenter;
use crate::error::{CommandError, Hint};
use crate::flows::rack_parameter_names::{CLEARABLE, INSTALL_ONLY, MANAGED, has};

/// The most edits between a name and the one that was probably meant.
const NEAR: usize = 3;

const REMOVED: &str = "monitoring_metrics_provisioned";

pub(super) fn none_for_installation(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    match call.new.keys().find(|name| has(INSTALL_ONLY, name)) {
        Some(name) => Err(CommandError::new(format!(
            "param '{name}' can only be set during rack installation"
        ))),
        None => Ok(()),
    }
}

pub(super) fn none_empty(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    if call.new.keys().any(|name| name.trim().is_empty()) {
        return Err(CommandError::new("parameter name cannot be empty"));
    }
    Ok(())
}

pub(super) fn none_removed(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    if !call.new.contains_key(REMOVED) {
        return Ok(());
    }
    Err(CommandError::new(format!(
        "param '{REMOVED}' was removed in 3.24.6; monitoring is now Convox-Console-driven (Convox \
         Console → Rack Settings → Dashboard Settings → Enable Metrics Agent)"
    )))
}

pub(super) fn none_managed(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let known = call.known();
    let is_managed =
        |name: &&String| has(MANAGED, name) && known.is_none_or(|known| has(known, name));
    for name in call.new.keys().filter(is_managed) {
        if !call.force {
            return Err(CommandError::new(format!(
                "param '{name}' is managed internally — to update it use 'convox rack update'. Use \
                 --force to override"
            )));
        }
        call.warnings.push(format!(
            "'{name}' is a managed parameter — setting it directly may break your rack."
        ));
    }
    Ok(())
}

/// Those of Karpenter on other clouds have a message of their own, in a later step.
pub(super) fn all_known(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let (Some(known), Some(provider), false) = (call.known(), call.provider, call.force) else {
        return Ok(());
    };
    let is_unknown =
        |name: &&String| !has(known, name) && (provider == "aws" || !karpenter::is_parameter(name));
    match call.new.keys().find(is_unknown) {
        Some(name) => Err(unknown(name, provider, known)),
        None => Ok(()),
    }
}

fn unknown(name: &str, provider: &str, known: &str) -> CommandError {
    let distance = |other: &&str| strsim::levenshtein(name, other);
    let nearest = known.split_whitespace().min_by_key(distance);
    let meant = nearest.filter(|other| distance(other) <= NEAR);
    let meant = meant.map(|other| format!("       Did you mean '{other}'?"));
    CommandError::new(format!("unknown parameter '{name}' for {provider} provider"))
        .with_details(meant)
        .hint(Hint::command("see its parameters with", "rack params"))
        .hint("use --force to set it all the same, if the rack is newer than this program")
}

pub(super) fn blank_only_if_clearable(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    for (name, value) in call.new.iter_mut().filter(|(_, value)| value.trim().is_empty()) {
        if !has(CLEARABLE, name) {
            return Err(CommandError::new(format!(
                "param '{name}' requires an explicit value (omit to keep current)"
            )));
        }
        value.clear();
    }
    Ok(())
}
