//! The forms that values of parameters have.

use std::time::Duration;

use convox_wire::duration::GoDuration;

/// Parses `k=v,…`.
pub(super) fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let pairs =
        text.split(',').map(|pair| pair.split_once('=').filter(|(key, _)| !key.trim().is_empty()));
    pairs.collect()
}

pub(super) fn has_label(labels: &str, key: &str) -> bool {
    labels.split(',').any(|label| label.split('=').next().is_some_and(|name| name.trim() == key))
}

pub(super) fn duration(text: &str) -> Option<Duration> {
    text.parse::<GoDuration>().ok().map(|GoDuration(time)| time)
}

pub(super) fn within(text: &str, least: u64, most: u64) -> bool {
    duration(text).is_some_and(|time| {
        (Duration::from_secs(least)..=Duration::from_secs(most)).contains(&time)
    })
}

pub(super) fn is_positive(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number > 0)
}

/// Digits, perhaps with a fraction and a unit.
pub(super) fn is_quantity(text: &str) -> bool {
    let units = ["m", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let number = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}

pub(super) fn are_capacities(text: &str) -> bool {
    text.split(',').all(|capacity| matches!(capacity.trim(), "on-demand" | "spot"))
}

/// What is wrong with taints, `key=value:Effect` or `key:Effect` joined by commas.
pub(super) fn taint_problem(taints: &str) -> Option<String> {
    if taints.contains('"') {
        return Some("taint keys and values must not contain double quotes".to_owned());
    }
    taints.split(',').find_map(|taint| {
        let Some((key, effect)) = taint.trim().rsplit_once(':').filter(|(key, _)| !key.is_empty())
        else {
            return Some(format!(
                "invalid entry '{taint}', use format key=value:Effect or key:Effect"
            ));
        };
        let is_known = matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute");
        (!is_known || key.is_empty()).then(|| {
            format!(
                "invalid effect '{effect}' (must be NoSchedule, PreferNoSchedule, or NoExecute)"
            )
        })
    })
}

/// Parses a boolean as Go does.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}
