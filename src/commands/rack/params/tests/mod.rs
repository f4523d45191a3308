//! The table of checks, step by step.

mod cases;

use std::io;

use super::checks::{Parameters, RequestedParams, check};
use super::steps::STEPS;
use crate::flows::managed_rack::Current;
use crate::flows::rack_parameter_names::{AWS, BOOLEAN, INSTALL_ONLY, MANAGED, has};
use cases::{CASES, Case};

fn map(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Splits `a=b c=d` into parameters.
fn parameters(text: &str) -> Parameters {
    let pairs: Vec<_> = text.split_whitespace().map(|pair| pair.split_once('=').unwrap()).collect();
    map(&pairs)
}

struct Checked {
    message: Option<String>,
    new: Parameters,
    warnings: Vec<String>,
}

async fn checked(new: Parameters, current: &str, provider: Option<&str>, force: bool) -> Checked {
    let current =
        Current { parameters: parameters(current), provider: provider.map(str::to_owned) };
    let read = |_: &str| Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
    let mut call = RequestedParams::new(new, &current, force, &read);
    let message = check(&mut call)
        .await
        .err()
        .map(|error| error.details().iter().fold(error.message(), |text, line| text + "\n" + line));
    Checked { message, new: call.new, warnings: call.warnings }
}

async fn on_aws(new: &str, current: &str) -> Option<String> {
    checked(parameters(new), current, Some("aws"), false).await.message
}

#[tokio::test]
async fn each_step_accepts_what_is_right_and_names_what_is_wrong() {
    for (step, current, right, wrong, message) in CASES {
        assert_eq!(on_aws(right, current).await, None, "step {step}: {right}");
        let found = on_aws(wrong, current).await;
        assert_eq!(found.as_deref(), Some(*message), "step {step}: {wrong}");
    }
}

/// Names with one value that is wrong for each of them, and the message, in which X is the name.
const NAMES: &[(&str, &str, &str)] = &[
    (INSTALL_ONLY, "1", "param 'X' can only be set during rack installation"),
    (
        "contour_cpu_request contour_memory_request envoy_cpu_request envoy_memory_request \
         fluentd_memory",
        "1GiB",
        "param 'X' must be a Kubernetes resource quantity (e.g., '100m', '256Mi', '1Gi')",
    ),
    (
        "eks_access_entries karpenter_auth_mode karpenter_enabled",
        "yes",
        "param 'X' must be 'true' or 'false'",
    ),
    (
        "karpenter_cpu_limit karpenter_memory_limit_gb karpenter_build_cpu_limit \
         karpenter_build_memory_limit_gb",
        "-1",
        "X must be a positive integer",
    ),
    (
        "karpenter_consolidate_after karpenter_build_consolidate_after",
        "5",
        "X must be a duration like 30s, 5m, or 1h",
    ),
    (
        "karpenter_node_labels karpenter_build_node_labels",
        "a=\"b\"",
        "X: label keys and values must not contain double quotes",
    ),
    (
        "grafana_dashboard_var_rack grafana_dashboard_var_namespace grafana_dashboard_var_service \
         grafana_dashboard_var_app",
        "a-1",
        "X: must contain only letters, digits, and underscore (got \"a-1\")",
    ),
];

#[tokio::test]
async fn a_step_about_several_names_checks_each_of_them() {
    for (names, wrong, message) in NAMES {
        for name in names.split_whitespace() {
            let found = on_aws(&format!("{name}={wrong}"), "").await;
            assert_eq!(found, Some(message.replace('X', name)), "{name}");
        }
    }
    // Those that no earlier step has a message for.
    let checked_before = "eks_access_entries karpenter_auth_mode karpenter_enabled";
    let is_known =
        |name: &&str| has(AWS, name) && !has(checked_before, name) && !has(MANAGED, name);
    for name in BOOLEAN.split_whitespace().filter(is_known) {
        let found = on_aws(&format!("{name}=yes"), "").await;
        let message = format!("param '{name}' must be 'true' or 'false' (got \"yes\")");
        assert_eq!(found, Some(message), "{name}");
    }
    for name in MANAGED.split_whitespace().filter(|name| has(AWS, name)) {
        let found = on_aws(&format!("{name}=1"), "").await.unwrap();
        let is_expected = found.starts_with(&format!("param '{name}' is managed internally"))
            || has(INSTALL_ONLY, name);
        assert!(is_expected, "{name}: {found}");
    }
}

#[tokio::test]
async fn steps_are_taken_in_order() {
    let numbers: Vec<_> = STEPS.iter().map(|step| step.0).collect();
    assert_eq!(numbers, (1..=39).collect::<Vec<_>>());
    // Of two mistakes, that of the earlier step is reported.
    for (index, (step, current, _, wrong, message)) in CASES.iter().enumerate() {
        let alone = |other: &&Case| other.0 > *step && other.1.is_empty();
        for (later, _, _, other, _) in CASES[index..].iter().filter(alone) {
            let both = format!("{other} {wrong}");
            // Another value of the same parameter, or one that the later step is made right by.
            if parameters(&both).len() != parameters(other).len() + parameters(wrong).len() {
                continue;
            }
            let found = on_aws(&both, current).await;
            assert_eq!(found.as_deref(), Some(*message), "step {step} before {later}: {both}");
        }
    }
}

#[tokio::test]
async fn an_empty_name_is_refused() {
    let found = checked(map(&[(" ", "x")]), "", Some("aws"), true).await.message;
    assert_eq!(found.as_deref(), Some("parameter name cannot be empty"));
}

#[tokio::test]
async fn force_sets_managed_and_unknown_parameters() {
    let new = parameters("k8s_version=1.33 no_such_thing=x");
    let checked = checked(new, "", Some("aws"), true).await;
    assert_eq!(checked.message, None);
    let warning = "'k8s_version' is a managed parameter — setting it directly may break your rack.";
    assert_eq!(checked.warnings, [warning]);
}

#[tokio::test]
async fn names_are_known_by_the_provider() {
    let check =
        async |new: &str, provider| checked(parameters(new), "", provider, false).await.message;
    assert_eq!(check("no_such_thing=x", None).await, None);
    assert_eq!(check("no_such_thing=x", Some("dev")).await, None);
    for provider in ["azure", "gcp", "do", "metal", "local"] {
        let found = check("karpenter_enabled=true", Some(provider)).await.unwrap();
        assert_eq!(found, "karpenter parameters are only supported for AWS racks", "step 16");
        let found = check("idle_timout=1", Some(provider)).await.unwrap();
        assert!(found.starts_with(&format!("unknown parameter 'idle_timout' for {provider}")));
    }
}

#[tokio::test]
async fn v2_racks_take_only_the_first_steps() {
    let check =
        async |new| checked(parameters(new), "Autoscale=Yes", Some("aws"), false).await.message;
    assert_eq!(check("Whatever= tags=a k8s_version=1").await, None);
    assert!(check("cidr=1").await.unwrap().contains("during rack installation"));
}

#[tokio::test]
async fn values_get_their_stored_form() {
    let new = map(&[("telemetry", "1"), ("tags", "  "), ("karpenter_config", "{ }")]);
    let checked = checked(new, "", Some("aws"), false).await;
    assert_eq!(checked.message, None);
    let stored = [("telemetry", "true"), ("tags", ""), ("karpenter_config", "e30=")];
    assert_eq!(checked.new, map(&stored));
}

#[tokio::test]
async fn stored_values_of_karpenter_are_checked_when_it_is_turned_on() {
    let current = "karpenter_auth_mode=true karpenter_arch=mips";
    let found = on_aws("karpenter_enabled=true", current).await;
    let message = "invalid karpenter architecture: mips (must be amd64 or arm64)";
    assert_eq!(found.as_deref(), Some(message));
    assert_eq!(on_aws("karpenter_enabled=true karpenter_arch=amd64", current).await, None);
    assert_eq!(on_aws("idle_timeout=60", current).await, None);
}

#[tokio::test]
async fn the_router_is_warned_about() {
    let warnings = async |new: &str, current: &str| {
        checked(parameters(new), current, Some("aws"), false).await.warnings
    };
    let contour = "router_type=contour";
    for (new, current, expected) in [
        ("router_type=nginx", "", &[][..]),
        ("ssl_ciphers=x nginx_additional_config=x proxy_protocol=true", "", &[]),
        ("ssl_ciphers= nginx_additional_config= ssl_protocols=", contour, &[]),
        ("proxy_protocol=true", contour, &["Changing proxy_protocol while router_type=contour"]),
        ("nginx_additional_config=x", contour, &["nginx_additional_config has no effect when"]),
        ("ssl_ciphers=x ssl_protocols=x", contour, &["custom ssl_ciphers", "custom ssl_protocols"]),
        (
            "router_type=nginx",
            contour,
            &["Changing router_type requires redeploying all apps.\nApps"],
        ),
        (contour, "", &["Changing router_type requires", "Router access logs will use Envoy"]),
    ] {
        let found = warnings(new, current).await;
        assert_eq!(found.len(), expected.len(), "{new}: {found:?}");
        assert!(found.iter().zip(expected).all(|(one, other)| one.starts_with(other)), "{found:?}");
    }
    let new = map(&[("ssl_protocols", "TLSv1.2 TLSv1.3")]);
    assert!(checked(new, contour, Some("aws"), false).await.warnings.is_empty());
}
