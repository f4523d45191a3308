//! The `timers` of a manifest: commands of services that run at set times.

use super::service::Reader;
use super::yaml::{Entry, Value};
use super::{ManifestError, Schedule, ServiceSpec, values};
use convox_wire::ServiceName;

/// A timer of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerSpec {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: String,
    /// When it runs.
    pub schedule: Schedule,
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// The service whose source and environment it has.
    pub service: ServiceName,
    /// Whether it does not run while its last process is still there.
    pub is_exclusive: bool,
    /// Its line in the text, from 1.
    pub line: usize,
}

/// Reads the timers.
pub(super) fn read(reader: &mut Reader, entry: &Entry) -> Result<Vec<TimerSpec>, ManifestError> {
    let entries = match &entry.node.value {
        Value::Null => return Ok(Vec::new()),
        Value::Map(entries) => entries,
        other => {
            let reason = format!("timers: a map expected, not {}", other.kind());
            return Err(ManifestError::at(entry.line, reason));
        }
    };
    entries.iter().map(|timer| read_one(reader, timer)).collect()
}

fn read_one(reader: &mut Reader, timer: &Entry) -> Result<TimerSpec, ManifestError> {
    let path = format!("timers.{}", timer.key);
    if !values::is_service_name(&timer.key) {
        let reason = format!(
            "{path}: not a timer name: lower-case letters, digits and hyphens, beginning with a letter"
        );
        return Err(ManifestError::at(timer.line, reason));
    }
    let (mut schedule, mut command, mut service) = (None, None, None);
    let mut is_exclusive = false;
    let fields = match &timer.node.value {
        Value::Map(fields) => fields.as_slice(),
        _ => &[],
    };
    for field in fields {
        let here = format!("{path}.{}", field.key);
        match field.key.as_str() {
            "schedule" => {
                let text = values::word(&field.node, &here)?;
                let parsed = Schedule::parse(&text).map_err(|why| {
                    ManifestError::at(field.line, format!("{here}: {text:?} {why}"))
                });
                schedule = Some(parsed?);
            }
            "command" => command = reader.command(&field.node, &here)?,
            "service" => service = Some(values::word(&field.node, &here)?),
            "concurrency" => is_exclusive = concurrency(reader, field, &here)?,
            _ => reader.warn_unsupported(field, &here, &["annotations", "parallelCount"]),
        }
    }
    let missing =
        |key: &str| ManifestError::at(timer.line, format!("{path}: its `{key}` is missing"));
    Ok(TimerSpec {
        name: timer.key.clone(),
        schedule: schedule.ok_or_else(|| missing("schedule"))?,
        command: command.ok_or_else(|| missing("command"))?,
        service: ServiceName::from_rack(service.ok_or_else(|| missing("service"))?),
        is_exclusive,
        line: timer.line,
    })
}

/// Reads whether processes of a timer may run side by side, as they do by default.
fn concurrency(reader: &mut Reader, field: &Entry, path: &str) -> Result<bool, ManifestError> {
    let policy = values::word(&field.node, path)?;
    if !matches!(policy.to_ascii_lowercase().as_str(), "allow" | "forbid") {
        reader.warn(field.line, path, "only Allow and Forbid are known here: ignored");
    }
    Ok(policy.eq_ignore_ascii_case("forbid"))
}

/// Refuses a timer of a service that is not declared, as real racks do.
pub(super) fn check_services(
    timers: &[TimerSpec],
    services: &[ServiceSpec],
) -> Result<(), ManifestError> {
    let is_known = |name: &ServiceName| services.iter().any(|service| service.name == *name);
    match timers.iter().find(|timer| !is_known(&timer.service)) {
        Some(timer) => {
            let reason = format!(
                "timers.{}.service: no service {:?} under `services:`",
                timer.name,
                timer.service.as_str()
            );
            Err(ManifestError::at(timer.line, reason))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Manifest;
    use super::*;
    use convox_wire::Environment;

    fn parse(timer: &str) -> Result<Manifest, ManifestError> {
        let text = format!("services: {{web: {{command: x}}}}\ntimers:\n  tidy: {timer}\n");
        Manifest::parse(&text, &Environment::default())
    }

    #[test]
    fn a_timer_is_read_with_its_service() {
        let manifest = parse("{schedule: '0 3 * * ? *', command: bin/tidy -a, service: web}");
        let manifest = manifest.unwrap();
        let timer = &manifest.timers[0];
        assert_eq!((timer.name.as_str(), timer.service.as_str()), ("tidy", "web"));
        assert_eq!(timer.command, ["bin/tidy", "-a"]);
        assert!(manifest.warnings.is_empty() && !timer.is_exclusive);
        let manifest = parse(
            "{schedule: '@daily', command: x, service: web, concurrency: forbid, parallelCount: 2}",
        );
        let manifest = manifest.unwrap();
        assert!(manifest.timers[0].is_exclusive);
        let ignored =
            "line 3: timers.tidy.parallelCount: the development rack does not do this: ignored";
        assert_eq!(manifest.warnings, [ignored]);
    }

    #[test]
    fn a_timer_that_can_not_be_is_refused() {
        for (timer, expected) in [
            ("{command: x, service: web}", "line 3: timers.tidy: its `schedule` is missing"),
            ("{schedule: '@daily', service: web}", "line 3: timers.tidy: its `command` is missing"),
            ("{schedule: '@daily', command: x}", "line 3: timers.tidy: its `service` is missing"),
            ("hourly", "line 3: timers.tidy: its `schedule` is missing"),
            (
                "{schedule: '@daily', command: x, service: job}",
                "line 3: timers.tidy.service: no service \"job\" under `services:`",
            ),
            (
                "{schedule: hourly, command: x, service: web}",
                "line 3: timers.tidy.schedule: \"hourly\" is not a schedule of five fields",
            ),
        ] {
            let error = parse(timer).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{timer}: {error}");
        }
    }
}
