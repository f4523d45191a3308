//! Reads services from the YAML tree of a `convox.yml`.

use super::yaml::{self, Document, Entry, Node, Value};
use super::{
    EnvironmentEntry, HealthCheck, Manifest, ManifestError, ResourceLink, ResourceSpec,
    ServiceSpec, environment, health, resource, scale, timer, values,
};
use convox_wire::ServiceName;

const UNSUPPORTED_AT_TOP: &[&str] =
    &["appSettings", "balancers", "budget", "configs", "labels", "params"];

const UNSUPPORTED_IN_SERVICE: &[&str] = &[
    "accessControl",
    "agent",
    "annotations",
    "autoscale",
    "certificate",
    "configMounts",
    "deployment",
    "disableHostUsers",
    "dnsConfig",
    "domain",
    "drain",
    "externalTrafficPolicy",
    "grpcHealthEnabled",
    "imagePullSecrets",
    "ingressAnnotations",
    "init",
    "initContainer",
    "internal",
    "internalRouter",
    "keda",
    "labels",
    "links",
    "lifecycle",
    "liveness",
    "nlb",
    "nodeAffinityLabels",
    "nodeSelectorLabels",
    "policies",
    "ports",
    "privileged",
    "securityContext",
    "singleton",
    "startupProbe",
    "sticky",
    "termination",
    "timeout",
    "tls",
    "volumeOptions",
    "volumes",
    "vpa",
    "whitelist",
];

const UNSUPPORTED_IN_SCALE: &[&str] = &["cpu", "gpu", "limit", "memory", "targets"];

/// Reads and checks a manifest.
pub(super) fn read(text: &str) -> Result<Manifest, ManifestError> {
    let Document { root, warnings } = yaml::parse(text)?;
    let entries = match &root.value {
        Value::Map(entries) => entries,
        Value::Null => return Err(no_services(None)),
        other => {
            let reason = format!("a map with `services` expected, not {}", other.kind());
            return Err(ManifestError::at(root.line.max(1), reason));
        }
    };
    let mut reader = Reader { warnings };
    reader.top(entries)
}

fn no_services(line: Option<usize>) -> ManifestError {
    let reason = "services: missing; an app needs at least one service, for example \
                  `services: {web: {command: bin/web, port: 3000}}`";
    ManifestError { line, reason: reason.into() }
}

pub(super) struct Reader {
    warnings: Vec<String>,
}

impl Reader {
    fn top(&mut self, entries: &[Entry]) -> Result<Manifest, ManifestError> {
        let mut shared = Vec::new();
        let mut services = None;
        let (mut resources, mut timers) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry.key.as_str() {
                "services" => services = Some(self.services(entry)?),
                "environment" => shared = environment::read(&entry.node, "environment")?,
                "resources" => resources = self.resources(entry)?,
                "timers" => timers = timer::read(self, entry)?,
                key => self.warn_unsupported(entry, key, UNSUPPORTED_AT_TOP),
            }
        }
        let services = services.ok_or_else(|| missing_services(entries))?;
        resource::check_links(&services, &resources)?;
        timer::check_services(&timers, &services)?;
        let warnings = std::mem::take(&mut self.warnings);
        Ok(Manifest { services, resources, timers, environment: shared, warnings })
    }

    fn services(&mut self, entry: &Entry) -> Result<Vec<ServiceSpec>, ManifestError> {
        let entries = match &entry.node.value {
            Value::Map(entries) if !entries.is_empty() => entries,
            Value::Map(_) | Value::Null => return Err(no_services(Some(entry.line))),
            other => {
                let reason = format!("services: a map expected, not {}", other.kind());
                return Err(ManifestError::at(entry.line, reason));
            }
        };
        entries.iter().map(|service| self.service(service)).collect()
    }

    fn resources(&mut self, entry: &Entry) -> Result<Vec<ResourceSpec>, ManifestError> {
        let entries = map_of(&entry.node, "resources")?;
        entries.iter().map(|resource| self.resource(resource)).collect()
    }

    fn resource(&mut self, entry: &Entry) -> Result<ResourceSpec, ManifestError> {
        let path = format!("resources.{}", entry.key);
        resource::check_name(entry, &path)?;
        let mut kind = None;
        for field in map_of(&entry.node, &path)? {
            let here = format!("{path}.{}", field.key);
            match field.key.as_str() {
                "type" => kind = Some(values::word(&field.node, &here)?),
                _ => self.warn_unsupported(field, &here, &["options"]),
            }
        }
        let missing = || ManifestError::at(entry.line, format!("{path}: its `type` is missing"));
        let resource = ResourceSpec {
            name: entry.key.clone(),
            kind: kind.ok_or_else(missing)?,
            line: entry.line,
        };
        if resource.engine().is_none() {
            let why = format!("the development rack does not run {}: ignored", resource.kind);
            self.warn(entry.line, &path, &why);
        }
        Ok(resource)
    }

    fn service(&mut self, entry: &Entry) -> Result<ServiceSpec, ManifestError> {
        let path = format!("services.{}", entry.key);
        if !values::is_service_name(&entry.key) {
            let reason = format!(
                "{path}: not a service name: lower-case letters, digits and hyphens, beginning with a letter"
            );
            return Err(ManifestError::at(entry.line, reason));
        }
        let fields = self.fields(entry, &path)?;
        let Some(command) = fields.command else { return Err(command_error(entry, &path)) };
        Ok(ServiceSpec {
            name: ServiceName::from_rack(entry.key.clone()),
            command,
            build: fields.step,
            cache: fields.cache,
            port: fields.port,
            environment: fields.environment,
            resources: fields.resources,
            count: fields.count,
            health: fields.health,
            line: entry.line,
        })
    }

    fn fields(&mut self, service: &Entry, path: &str) -> Result<Fields, ManifestError> {
        let mut fields = Fields::default();
        let mut dev = Dev::default();
        for entry in map_of(&service.node, path)? {
            let here = format!("{path}.{}", entry.key);
            match entry.key.as_str() {
                "build" => check_build(&entry.node, &here)?,
                "image" => return Err(image_error(entry, &here)),
                "command" => {
                    values::check_is_text(&entry.node, &here)?;
                    fields.command = self.command(&entry.node, &here)?;
                }
                "port" => fields.port = values::port(&entry.node, &here)?,
                "environment" => fields.environment = environment::read(&entry.node, &here)?,
                "resources" => fields.resources = resource::links(&entry.node, &here)?,
                "scale" => fields.count = self.scale(&entry.node, &here)?,
                "health" => fields.health = self.health(&service.node, &entry.node, &here)?,
                "x-dev" => dev = self.dev(&entry.node, &here)?,
                // Clients run the tests.
                "test" => {}
                _ => self.warn_unsupported(entry, &here, UNSUPPORTED_IN_SERVICE),
            }
        }
        fields.command = dev.command.or(fields.command);
        (fields.step, fields.cache) = (dev.step, dev.cache);
        Ok(fields)
    }

    /// Reads the health check of a service, which needs a port that speaks HTTP.
    fn health(
        &mut self,
        service: &Node,
        node: &Node,
        path: &str,
    ) -> Result<Option<HealthCheck>, ManifestError> {
        let health = health::read(node, path)?;
        for entry in health.others {
            self.warn_unsupported(entry, &format!("{path}.{}", entry.key), &[]);
        }
        let fields = map_of(service, path)?.iter();
        let port = fields.rev().find(|entry| entry.key == "port");
        let scheme = port.and_then(|entry| values::scheme(&entry.node));
        let why = match (port, scheme) {
            (None, _) => "has no effect without `port`",
            (_, Some(scheme)) if scheme != "http" => "only HTTP is checked here: ignored",
            _ => return Ok(health.check),
        };
        self.warn(node.line, path, why);
        Ok(None)
    }

    fn scale(&mut self, node: &Node, path: &str) -> Result<Option<usize>, ManifestError> {
        let scale = scale::read(node, path)?;
        for entry in scale.others {
            self.warn_unsupported(entry, &format!("{path}.{}", entry.key), UNSUPPORTED_IN_SCALE);
        }
        Ok(scale.count)
    }

    fn dev(&mut self, node: &Node, path: &str) -> Result<Dev, ManifestError> {
        let mut dev = Dev::default();
        for entry in map_of(node, path)? {
            let here = format!("{path}.{}", entry.key);
            match entry.key.as_str() {
                "command" => dev.command = self.command(&entry.node, &here)?,
                "build" => dev.step = values::step(&entry.node, &here)?,
                "cache" => dev.cache = values::directories(&entry.node, &here)?,
                _ => self.warn_unsupported(entry, &here, &[]),
            }
        }
        if let Some(cache) = map_of(node, path)?.iter().find(|entry| entry.key == "cache")
            && dev.step.is_none()
        {
            self.warn(cache.line, &format!("{path}.cache"), "has no effect without `build`");
        }
        Ok(dev)
    }

    pub(super) fn command(
        &mut self,
        node: &Node,
        path: &str,
    ) -> Result<Option<Vec<String>>, ManifestError> {
        if values::wants_a_shell(node) {
            self.warn(node.line, path, "is run without a shell, which it seems to need: sh -c '…'");
        }
        values::command(node, path)
    }

    /// Warns about an ignored key. Keys that begin with `x-` are reserved for other tools.
    pub(super) fn warn_unsupported(&mut self, entry: &Entry, path: &str, unsupported: &[&str]) {
        if entry.key.starts_with("x-") {
            return;
        }
        let why = match unsupported.contains(&entry.key.as_str()) {
            true => "the development rack does not do this: ignored",
            false => "unknown key: ignored",
        };
        self.warn(entry.line, path, why);
    }

    pub(super) fn warn(&mut self, line: usize, path: &str, why: &str) {
        self.warnings.push(format!("line {line}: {path}: {why}"));
    }
}

#[derive(Default)]
struct Fields {
    command: Option<Vec<String>>,
    step: Option<Vec<String>>,
    cache: Vec<String>,
    port: Option<u16>,
    environment: Vec<EnvironmentEntry>,
    resources: Vec<ResourceLink>,
    count: Option<usize>,
    health: Option<HealthCheck>,
}

#[derive(Default)]
struct Dev {
    command: Option<Vec<String>>,
    step: Option<Vec<String>>,
    cache: Vec<String>,
}

/// Returns the entries of a map; none for an empty value.
fn map_of<'a>(node: &'a Node, path: &str) -> Result<&'a [Entry], ManifestError> {
    match &node.value {
        Value::Map(entries) => Ok(entries),
        Value::Null => Ok(&[]),
        other => {
            let reason = format!("{path}: a map expected, not {}", other.kind());
            Err(ManifestError::at(node.line, reason))
        }
    }
}

/// Checks a `build`: a path, or a map of `path`, `manifest`, `args` … It is used by real racks only.
fn check_build(node: &Node, path: &str) -> Result<(), ManifestError> {
    match &node.value {
        Value::List(_) => {
            let reason = format!("{path}: a path or a map expected, not a list");
            Err(ManifestError::at(node.line, reason))
        }
        _ => Ok(()),
    }
}

fn image_error(entry: &Entry, path: &str) -> ManifestError {
    let reason = format!(
        "{path}: the development rack runs local programs, not images: give the service a command instead"
    );
    ManifestError::at(entry.line, reason)
}

fn command_error(entry: &Entry, path: &str) -> ManifestError {
    let reason = format!(
        "{path}: has no command: add `command: …`, or `x-dev: {{command: …}}`, which only the development rack reads"
    );
    ManifestError::at(entry.line, reason)
}

/// Recognizes the manifests of the oldest racks: services at the top level, with lists of `ports`.
fn missing_services(entries: &[Entry]) -> ManifestError {
    let looks_old = |entry: &&Entry| match &entry.node.value {
        Value::Map(keys) => {
            keys.iter().any(|e| matches!(e.key.as_str(), "build" | "image" | "ports"))
        }
        _ => false,
    };
    let Some(old) = entries.iter().find(looks_old) else { return no_services(None) };
    let reason = format!(
        "{}: services belong under `services:`; this looks like a docker-compose.yml, version 1; the \
         development rack reads convox.yml",
        old.key
    );
    ManifestError::at(old.line, reason)
}
