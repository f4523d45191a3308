//! What the parameters of a rack may be. The checks come in the order of the 3.x clients, so that of
//! several mistakes the same one is reported each time.

use std::collections::BTreeMap;

use super::rules::RULES;
use super::together;
use super::values::boolean;
use crate::error::CommandError;
use crate::flows::managed_rack::Current;
use crate::flows::rack_parameter_names::{
    BOOLEAN, CLEARABLE, INSTALL_ONLY, MANAGED, has, of_provider,
};

type Parameters = BTreeMap<String, String>;

/// What is worth knowing about parameters that are allowed.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) warnings: Vec<String>,
}

/// Checks parameters, and gives values their stored form.
pub(super) fn check(
    new: &mut Parameters,
    current: &Current,
    force: bool,
) -> Result<Checked, CommandError> {
    let mut checked = Checked::default();
    check_names(new, &mut checked, current, force)?;
    if !looks_like_v3(current) {
        return Ok(checked);
    }
    check_blanks(new)?;
    check_schedule(new)?;
    let problems = RULES
        .iter()
        .flat_map(|rule| new.iter().filter_map(|(name, value)| rule.problem(name, value)));
    if let Some(problem) = problems.into_iter().next() {
        return Err(CommandError::new(problem));
    }
    for (name, value) in new.iter_mut().filter(|(name, _)| has(BOOLEAN, name)) {
        let Some(flag) = boolean(value) else {
            return Err(CommandError::new(format!(
                "param '{name}' must be 'true' or 'false' (got \"{value}\")"
            )));
        };
        *value = flag.to_string();
    }
    together::check(new, current)?;
    checked.warnings.extend(together::router_warnings(new, current));
    Ok(checked)
}

/// v2 racks have parameters in upper case.
fn looks_like_v3(current: &Current) -> bool {
    current.provider.is_none()
        || !current.parameters.keys().any(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn check_names(
    new: &Parameters,
    checked: &mut Checked,
    current: &Current,
    force: bool,
) -> Result<(), CommandError> {
    let refuse = |text: String| Err(CommandError::new(text));
    for name in new.keys() {
        if has(INSTALL_ONLY, name) {
            return refuse(format!("param '{name}' can only be set during rack installation"));
        }
    }
    if new.contains_key("monitoring_metrics_provisioned") {
        return refuse(
            "param 'monitoring_metrics_provisioned' was removed in 3.24.6; monitoring is now \
             Convox-Console-driven (Convox Console → Rack Settings → Dashboard Settings → Enable \
             Metrics Agent)"
                .to_owned(),
        );
    }
    if !looks_like_v3(current) {
        return Ok(());
    }
    for name in new.keys().filter(|name| has(MANAGED, name)) {
        if !force {
            return refuse(format!(
                "param '{name}' is managed internally — to update it use 'convox rack update'. Use \
                 --force to override"
            ));
        }
        checked.warnings.push(format!(
            "'{name}' is a managed parameter — setting it directly may break your rack."
        ));
    }
    let provider = current.provider.as_deref().unwrap_or_default();
    let Some(known) = of_provider(provider).filter(|_| !force) else { return Ok(()) };
    match new.keys().find(|name| !has(known, name)) {
        Some(name) => Err(unknown(name, provider, known)),
        None => Ok(()),
    }
}

/// The most edits between a name and the one that was probably meant.
const NEAR: usize = 3;

fn unknown(name: &str, provider: &str, known: &str) -> CommandError {
    let distance = |other: &&str| strsim::levenshtein(name, other);
    let nearest = known.split_whitespace().min_by_key(distance);
    let meant = nearest.filter(|other| distance(other) <= NEAR);
    let meant = meant.map(|other| format!("       Did you mean '{other}'?"));
    CommandError::new(format!("unknown parameter '{name}' for {provider} provider"))
        .with_details(meant)
        .hint("use --force to set it all the same")
}

fn check_blanks(new: &mut Parameters) -> Result<(), CommandError> {
    for (name, value) in new.iter_mut().filter(|(_, value)| value.trim().is_empty()) {
        if !has(CLEARABLE, name) {
            return Err(CommandError::new(format!(
                "param '{name}' requires an explicit value (omit to keep current)"
            )));
        }
        value.clear();
    }
    Ok(())
}

fn check_schedule(new: &Parameters) -> Result<(), CommandError> {
    let is_set = |name: &str| new.get(name).is_some_and(|value| !value.is_empty());
    if is_set("schedule_rack_scale_down") != is_set("schedule_rack_scale_up") {
        return Err(CommandError::new(
            "to schedule your rack to turn on/off you need both schedule_rack_scale_down and \
             schedule_rack_scale_up parameters",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Parameters {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn problem(new: &[(&str, &str)], current: &[(&str, &str)]) -> Option<String> {
        let current = Current { parameters: map(current), provider: Some("aws".to_owned()) };
        check(&mut map(new), &current, false).err().map(|error| error.message().to_owned())
    }

    #[test]
    fn values_are_checked_by_their_rules() {
        for (name, good, bad, expected) in [
            ("tags", "a=1,b=2", "a", "invalid value for tags param"),
            ("imds_http_tokens", "required", "x", "param 'imds_http_tokens' must be"),
            ("fluentd_memory", "1.5Gi", "1GiB", "param 'fluentd_memory' must be a Kubernetes"),
            ("node_capacity_type", "SPOT", "x", "param 'node_capacity_type' must be"),
            ("terraform_update_timeout", "2h", "0s", "invalid value for terraform_update_timeout"),
            ("karpenter_arch", "arm64", "mips", "invalid karpenter architecture: mips"),
            ("karpenter_cpu_limit", "8", "0", "karpenter_cpu_limit must be a positive integer"),
            ("karpenter_node_expiry", "Never", "soon", "karpenter_node_expiry must be"),
            (
                "karpenter_node_taints",
                "a=b:NoSchedule",
                "a:Never",
                "karpenter_node_taints: invalid",
            ),
            ("karpenter_node_labels", "a=b", "convox.io/nodepool=x", "karpenter_node_labels: 'c"),
            ("dcgm_scrape_interval", "30s", "14s", "dcgm_scrape_interval: must be between"),
            ("gpu_metrics_max_pods", "500", "501", "gpu_metrics_max_pods: must be at most 500"),
            ("grafana_dashboard_var_app", "a_1", "a-1", "grafana_dashboard_var_app: must contain"),
            ("telemetry", "T", "yes", "param 'telemetry' must be 'true' or 'false' (got \"yes\")"),
        ] {
            assert_eq!(problem(&[(name, good)], &[]), None, "{name}");
            let found = problem(&[(name, bad)], &[]).unwrap();
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn names_are_checked_first() {
        for (name, expected) in [
            ("cidr", "param 'cidr' can only be set during rack installation"),
            ("k8s_version", "param 'k8s_version' is managed internally"),
            ("node_tipe", "unknown parameter 'node_tipe' for aws provider"),
            (
                "monitoring_metrics_provisioned",
                "param 'monitoring_metrics_provisioned' was removed",
            ),
        ] {
            let found = problem(&[(name, "x"), ("telemetry", "yes")], &[]).unwrap();
            assert!(found.starts_with(expected), "{found}");
        }
        assert_eq!(
            problem(&[("idle_timeout", " ")], &[]).unwrap(),
            "param 'idle_timeout' requires an explicit value (omit to keep current)"
        );
    }

    #[test]
    fn parameters_that_depend_on_others_are_checked_with_them() {
        let enabled = [("karpenter_enabled", "true")];
        assert!(problem(&enabled, &[]).unwrap().contains("requires karpenter_auth_mode=true"));
        let auth = [("karpenter_auth_mode", "true")];
        assert_eq!(problem(&enabled, &auth), None);
        let spot = [("karpenter_auth_mode", "true"), ("node_capacity_type", "spot")];
        assert!(problem(&enabled, &spot).unwrap().contains("node_capacity_type=ON_DEMAND"));
        assert!(problem(&[("karpenter_auth_mode", "false")], &auth).unwrap().contains("one-way"));
        assert!(problem(&[("schedule_rack_scale_down", "0 1 * * *")], &[]).is_some());
    }

    #[test]
    fn booleans_get_their_stored_form_and_v2_racks_are_left_alone() {
        let current = Current { parameters: Parameters::new(), provider: None };
        let mut new = map(&[("telemetry", "1"), ("tags", " ")]);
        check(&mut new, &current, false).unwrap();
        assert_eq!(new, map(&[("telemetry", "true"), ("tags", "")]));
        let v2 = Current { parameters: map(&[("Autoscale", "Yes")]), provider: Some("aws".into()) };
        assert!(check(&mut map(&[("Whatever", "x")]), &v2, false).is_ok());
    }
}
