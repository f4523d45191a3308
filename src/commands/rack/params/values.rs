//! The forms that values of parameters have.

use std::ops::RangeInclusive;
use std::time::Duration;

use convox_wire::duration::{GoDuration, SignedGoDuration};

/// Fails with a message unless something holds.
pub(super) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

/// Parses `k=v,…`.
pub(super) fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    text.split(',').map(|pair| pair.split_once('=')).collect()
}

/// Checks that each part of a list is one of some words.
pub(super) fn all_of(
    list: &str,
    words: &[&str],
    message: impl Fn(&str) -> String,
) -> Result<(), String> {
    match list.split(',').map(str::trim).find(|part| !words.contains(part)) {
        Some(part) => Err(message(part)),
        None => Ok(()),
    }
}

/// Checks the capacity types of Karpenter's nodes.
pub(super) fn capacities(name: &str, value: &str) -> Result<(), String> {
    let nodes = if name == "karpenter_build_capacity_types" { "build " } else { "" };
    all_of(value, &CAPACITY_TYPES, |one| {
        format!("invalid karpenter {nodes}capacity type: {one} (must be on-demand or spot)")
    })
}

/// Checks a time limit, a positive duration.
pub(super) fn timeout(name: &str, value: &str) -> Result<(), String> {
    match value.parse::<SignedGoDuration>() {
        Ok(SignedGoDuration(time)) if time > chrono::TimeDelta::zero() => Ok(()),
        Ok(_) => Err(format!("invalid value for {name}: must be a positive duration")),
        Err(error) => Err(format!(
            "invalid value for {name}: must be a valid duration (e.g., '2h', '90m', '2h30m'): {error}"
        )),
    }
}

/// Checks a duration that has to be within some seconds.
pub(super) fn duration_in(
    name: &str,
    value: &str,
    seconds: RangeInclusive<u64>,
    examples: &str,
    range: &str,
) -> Result<(), String> {
    let GoDuration(time) = value
        .parse()
        .map_err(|error| format!("{name}: must be a valid duration (e.g. {examples}): {error}"))?;
    let range_of_time = Duration::from_secs(*seconds.start())..=Duration::from_secs(*seconds.end());
    ensure(range_of_time.contains(&time), || {
        format!("{name}: must be between {range} (got {value})")
    })
}

pub(super) fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}

pub(super) fn is_positive(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number > 0)
}

/// Checks a number from 1 to `most`.
pub(super) fn positive_up_to(name: &str, value: &str, most: i64) -> Result<(), String> {
    match value.parse::<i64>() {
        Ok(number) if number > most => {
            Err(format!("{name}: must be at most {most} (got {number})"))
        }
        Ok(number) if number > 0 => Ok(()),
        _ => Err(format!("{name}: must be a positive integer (got \"{value}\")")),
    }
}

/// Digits, and one of some units.
pub(super) fn is_digits(text: &str, units: &[&str]) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    units.iter().any(|unit| text.strip_suffix(unit).is_some_and(is_number))
}

/// Digits, perhaps with a fraction and a unit.
pub(super) fn is_quantity(text: &str) -> bool {
    let units = ["m", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let number = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    is_digits(whole, &[""]) && is_digits(fraction, &[""])
}

/// What is wrong with taints.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TaintProblem {
    /// There is a double quote in them.
    Quotes,
    /// One has another form.
    Form(String),
    /// One has another effect.
    Effect(String),
}

impl TaintProblem {
    /// The message about the taints of a parameter.
    pub(super) fn of_parameter(&self, name: &str) -> String {
        match self {
            Self::Quotes => format!("{name}: {QUOTED_TAINT}"),
            Self::Form(one) => format!("invalid {name} entry '{one}', {TAINT_FORM}"),
            Self::Effect(one) => format!("invalid {name} effect '{one}' {TAINT_EFFECTS}"),
        }
    }

    /// The message about the taints in a document.
    pub(super) fn in_document(&self) -> String {
        match self {
            Self::Quotes => QUOTED_TAINT.to_owned(),
            Self::Form(one) => format!("invalid taint '{one}', {TAINT_FORM}"),
            Self::Effect(one) => format!("invalid taint effect '{one}' {TAINT_EFFECTS}"),
        }
    }
}

const QUOTED_TAINT: &str = "taint keys and values must not contain double quotes";
const TAINT_FORM: &str = "use format key=value:Effect or key:Effect";
const TAINT_EFFECTS: &str = "(must be NoSchedule, PreferNoSchedule, or NoExecute)";

/// Checks taints: `key=value:Effect` or `key:Effect`, joined by commas.
pub(super) fn taints(taints: &str) -> Result<(), TaintProblem> {
    if taints.contains('"') {
        return Err(TaintProblem::Quotes);
    }
    for taint in taints.split(',').map(str::trim) {
        let Some((_, effect)) = taint.split_once(':').filter(|(key, _)| !key.is_empty()) else {
            return Err(TaintProblem::Form(taint.to_owned()));
        };
        if !matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
            return Err(TaintProblem::Effect(effect.to_owned()));
        }
    }
    Ok(())
}

/// The label by which racks find the nodes of a pool.
pub(super) const POOL_LABEL: &str = "convox.io/nodepool";

/// The kinds of capacity that Karpenter knows.
pub(super) const CAPACITY_TYPES: [&str; 2] = ["on-demand", "spot"];

/// The architectures that Karpenter's nodes can have.
pub(super) const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// Whether racks set a tag of their instances themselves.
pub(super) fn is_reserved_tag(key: &str) -> bool {
    matches!(key.to_ascii_lowercase().as_str(), "name" | "rack")
}

/// Checks labels: `key=value`, joined by commas.
pub(super) fn labels(name: &str, labels: &str) -> Result<(), String> {
    if labels.contains('"') {
        return Err(format!("{name}: label keys and values must not contain double quotes"));
    }
    let of_builds = ["convox-build", POOL_LABEL];
    let reserved =
        if name == "karpenter_build_node_labels" { &of_builds[..] } else { &of_builds[1..] };
    let mut keys =
        labels.split(',').map(|label| label.split('=').next().unwrap_or_default().trim());
    match keys.find(|key| reserved.contains(key)) {
        Some(key) => {
            Err(format!("{name}: '{key}' is a Convox-reserved label key and cannot be overridden"))
        }
        None => Ok(()),
    }
}

/// Parses a boolean as Go does.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}
