//! Resources: databases and caches that services use.

use super::yaml::{Entry, Node, Value};
use super::{ManifestError, ServiceSpec, values};

/// A resource of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSpec {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: String,
    /// Its type as in the text, such as `postgres` or `rds-postgres`.
    pub kind: String,
    /// Its line in the text, from 1.
    pub line: usize,
}

/// The server that a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// MariaDB.
    MariaDb,
    /// Memcached.
    Memcached,
    /// MySQL; MariaDB where only that is installed.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

impl ResourceSpec {
    /// Returns the server; `None` if the development rack does not run this type. What real racks
    /// get from a cloud (`rds-postgres`, `elasticache-redis`) is run here as well.
    pub fn engine(&self) -> Option<Engine> {
        let kind = ["rds-", "elasticache-"].iter().find_map(|cloud| self.kind.strip_prefix(cloud));
        Some(match kind.unwrap_or(&self.kind) {
            "mariadb" => Engine::MariaDb,
            "memcached" => Engine::Memcached,
            "mysql" => Engine::MySql,
            "postgres" => Engine::Postgres,
            "redis" => Engine::Redis,
            _ => return None,
        })
    }

    /// Returns the variable that has the URL, unless a service chooses another: `MAIN_DB_URL`. A
    /// release that sets it has its own server.
    pub fn variable(&self) -> String {
        variable_of(&self.name)
    }
}

/// Returns the variable that has the URL of a resource.
pub(crate) fn variable_of(name: &str) -> String {
    format!("{}_URL", name.to_uppercase().replace('-', "_"))
}

/// A resource that a service uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceLink {
    /// The name of the resource.
    pub resource: String,
    /// The variable for its URL.
    pub variable: String,
}

impl ResourceLink {
    /// Reads `NAME` or `NAME:VARIABLE`.
    fn new(text: &str) -> Self {
        let (resource, variable) = match text.split_once(':') {
            Some((name, variable)) => (name, variable.to_owned()),
            None => (text, variable_of(text)),
        };
        Self { resource: resource.to_owned(), variable }
    }
}

pub(super) fn check_name(entry: &Entry, path: &str) -> Result<(), ManifestError> {
    if values::is_service_name(&entry.key) {
        return Ok(());
    }
    let reason = format!(
        "{path}: not a resource name: lower-case letters, digits and hyphens, beginning with a letter"
    );
    Err(ManifestError::at(entry.line, reason))
}

/// Reads the `resources` of a service.
pub(super) fn links(node: &Node, path: &str) -> Result<Vec<ResourceLink>, ManifestError> {
    match &node.value {
        Value::Null => Ok(Vec::new()),
        Value::List(items) => {
            items.iter().map(|item| Ok(ResourceLink::new(&values::word(item, path)?))).collect()
        }
        other => {
            let reason = format!("{path}: a list of resources expected, not {}", other.kind());
            Err(ManifestError::at(node.line, reason))
        }
    }
}

/// Refuses a service that lists a resource which is not declared, as real racks do.
pub(super) fn check_links(
    services: &[ServiceSpec],
    resources: &[ResourceSpec],
) -> Result<(), ManifestError> {
    for service in services {
        for link in &service.resources {
            if !resources.iter().any(|resource| resource.name == link.resource) {
                let reason = format!(
                    "services.{}.resources: no resource {:?} under `resources:`",
                    service.name, link.resource
                );
                return Err(ManifestError::at(service.line, reason));
            }
        }
    }
    Ok(())
}
