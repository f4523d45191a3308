//! The `health` of a service: the HTTP request that tells whether a process can serve.

use std::time::Duration;

use super::yaml::{Entry, Node, Value};
use super::{ManifestError, values};

/// The health check of a service. A status from 200 to 399 passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// The path, which begins with `/`.
    pub path: String,
    /// The time between two checks: 5 s.
    pub interval: Duration,
    /// How long an answer may take: 4 s.
    pub timeout: Duration,
    /// How long a new process may fail: 5 s, and never less than the rack gives to any process.
    pub grace: Duration,
}

/// The defaults of real racks.
impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(4),
            grace: Duration::from_secs(5),
        }
    }
}

/// What a service says about its health.
#[derive(Debug, Default)]
pub(super) struct Health<'a> {
    /// The check; `None` if there is none, or it is disabled.
    pub(super) check: Option<HealthCheck>,
    /// Unknown keys.
    pub(super) others: Vec<&'a Entry>,
}

/// Reads a path, or a map of `path`, `interval`, `timeout`, `grace` and `disable`.
pub(super) fn read<'a>(node: &'a Node, here: &str) -> Result<Health<'a>, ManifestError> {
    let entries = match &node.value {
        Value::Null => return Ok(Health::default()),
        Value::Map(entries) => entries,
        _ => {
            let check = HealthCheck { path: path(node, here)?, ..HealthCheck::default() };
            return Ok(Health { check: Some(check), others: Vec::new() });
        }
    };
    let (mut check, mut others, mut is_disabled) = (HealthCheck::default(), Vec::new(), false);
    for entry in entries {
        let here = format!("{here}.{}", entry.key);
        match entry.key.as_str() {
            "path" => check.path = path(&entry.node, &here)?,
            "interval" => check.interval = seconds(&entry.node, 1, &here)?,
            "timeout" => check.timeout = seconds(&entry.node, 1, &here)?,
            "grace" => check.grace = seconds(&entry.node, 0, &here)?,
            "disable" => is_disabled = flag(&entry.node, &here)?,
            _ => others.push(entry),
        }
    }
    Ok(Health { check: (!is_disabled).then_some(check), others })
}

fn path(node: &Node, here: &str) -> Result<String, ManifestError> {
    let path = values::word(node, here)?;
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic());
    match path.starts_with('/') && is_plain {
        true => Ok(path),
        false => {
            let reason = format!("{here}: {path:?} is not a path, such as /health");
            Err(ManifestError::at(node.line, reason))
        }
    }
}

fn seconds(node: &Node, least: u32, here: &str) -> Result<Duration, ManifestError> {
    let text = values::word(node, here)?;
    match text.parse::<u32>() {
        Ok(seconds) if seconds >= least && !text.starts_with('+') => {
            Ok(Duration::from_secs(seconds.into()))
        }
        _ => {
            let reason = format!("{here}: {text:?} is not a number of seconds");
            Err(ManifestError::at(node.line, reason))
        }
    }
}

fn flag(node: &Node, here: &str) -> Result<bool, ManifestError> {
    match values::word(node, here)?.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => {
            let reason = format!("{here}: {other:?} is not true or false");
            Err(ManifestError::at(node.line, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Manifest;
    use super::*;
    use convox_wire::Environment;

    fn parse(port: &str, health: &str) -> Result<Manifest, ManifestError> {
        let text = format!("services:\n  web:\n    command: x\n{port}    health: {health}\n");
        Manifest::parse(&text, &Environment::default())
    }

    fn check(health: &str) -> Option<HealthCheck> {
        let manifest = parse("    port: http:3000\n", health).unwrap();
        assert_eq!(manifest.warnings, [""; 0], "{health}");
        manifest.services.into_iter().next().unwrap().health
    }

    #[test]
    fn a_check_is_a_path_or_a_map() {
        let path = |path: &str| HealthCheck { path: path.to_owned(), ..HealthCheck::default() };
        assert_eq!(check("/check?a=1"), Some(path("/check?a=1")));
        assert_eq!(check("{}"), Some(path("/")));
        assert_eq!(check(""), None);
        assert_eq!(check("{path: /check, disable: true}"), None);
        let seconds = Duration::from_secs;
        let expected = HealthCheck {
            interval: seconds(7),
            timeout: seconds(2),
            grace: seconds(0),
            ..path("/check")
        };
        let map = "{path: /check, interval: 7, timeout: 2, grace: 0, disable: false}";
        assert_eq!(check(map), Some(expected));
    }

    #[test]
    fn a_check_that_can_not_be_is_refused() {
        for (health, expected) in [
            ("check", "web.health: \"check\" is not a path"),
            ("\"/a b\"", "web.health: \"/a b\" is not a path"),
            ("[/check]", "web.health: a word expected, not a list"),
            ("{interval: 0}", "web.health.interval: \"0\" is not a number of seconds"),
            ("{timeout: 1s}", "web.health.timeout: \"1s\" is not a number of seconds"),
            ("{disable: maybe}", "web.health.disable: \"maybe\" is not true or false"),
        ] {
            let error = parse("    port: 3000\n", health).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line 5: services.{expected}")), "{error}");
        }
    }

    #[test]
    fn what_can_not_be_checked_is_a_warning() {
        for (port, expected) in [
            ("", "line 4: services.web.health: has no effect without `port`"),
            ("    port: https:3000\n", "line 5: services.web.health: only HTTP is checked here"),
            (
                "    port: {port: 3000, scheme: grpc}\n",
                "line 5: services.web.health: only HTTP is checked here",
            ),
        ] {
            let manifest = parse(port, "/check").unwrap();
            assert!(manifest.warnings[0].starts_with(expected), "{:?}", manifest.warnings);
            assert_eq!(manifest.services[0].health, None);
        }
    }
}
