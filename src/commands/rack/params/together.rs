//! Parameters that depend on each other.

use super::checks::RequestedParams;
use super::values::boolean;
use crate::error::{CommandError, Hint};
use crate::flows::rack_parameter_names::{BOOLEAN, has};

pub(super) fn both_schedules(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let is_set = |name: &str| call.new.get(name).is_some_and(|value| !value.is_empty());
    if is_set("schedule_rack_scale_down") == is_set("schedule_rack_scale_up") {
        return Ok(());
    }
    Err(CommandError::new(
        "to schedule your rack to turn on/off you need both schedule_rack_scale_down and \
         schedule_rack_scale_up parameters",
    ))
}

pub(super) fn gpu_observability_with_plugin(
    call: &mut RequestedParams<'_>,
) -> Result<(), CommandError> {
    if !call.turns_on("gpu_observability_enable") || call.is_on("nvidia_device_plugin_enable") {
        return Ok(());
    }
    Err(CommandError::new(
        "gpu_observability_enable=true requires nvidia_device_plugin_enable=true.",
    )
    .hint(
        Hint::command("set both with", "rack params set")
            .arg("nvidia_device_plugin_enable=true")
            .arg("gpu_observability_enable=true"),
    ))
}

pub(super) fn docker_hub_cache_with_credentials(
    call: &mut RequestedParams<'_>,
) -> Result<(), CommandError> {
    let has_both = ["docker_hub_username", "docker_hub_password"]
        .iter()
        .all(|name| call.value(name).is_some());
    if !call.turns_on("ecr_docker_hub_cache") || has_both {
        return Ok(());
    }
    Err(CommandError::new(
        "ecr_docker_hub_cache=true requires docker_hub_username and docker_hub_password.",
    )
    .hint(
        Hint::command("set all of them with", "rack params set")
            .arg("ecr_docker_hub_cache=true")
            .arg("docker_hub_username=USER")
            .arg("docker_hub_password=TOKEN"),
    ))
}

pub(super) fn store_booleans(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    for (name, value) in call.new.iter_mut().filter(|(name, _)| has(BOOLEAN, name)) {
        let Some(flag) = boolean(value) else {
            return Err(CommandError::new(format!(
                "param '{name}' must be 'true' or 'false' (got \"{value}\")"
            )));
        };
        *value = flag.to_string();
    }
    Ok(())
}
