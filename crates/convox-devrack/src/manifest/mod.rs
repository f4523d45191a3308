//! The manifest of an app: `convox.yml`, as far as the development rack follows it.
//!
//! Real racks build images from it; this rack runs each service's `command` as a local process.
//! What it does not do (resources, timers, scale …) is a warning, not a failure; what cannot work
//! here (an image, no command) is a [`ManifestError`] with its line.

mod environment;
mod service;
mod values;
mod yaml;

#[cfg(test)]
mod tests;

use convox_wire::{Environment, ServiceName};

/// An app's services, as its manifest describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// In the order of the text; at least one.
    pub services: Vec<ServiceSpec>,
    /// Variables of every service.
    pub environment: Vec<EnvironmentEntry>,
    /// What the development rack leaves aside, a line each, with its place.
    pub warnings: Vec<String>,
}

/// A service of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: ServiceName,
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// A step to run in the source before it is used (`x-dev.build`).
    pub build: Option<Vec<String>>,
    /// The port it listens on inside its container at a real rack. Here it listens on `PORT`.
    pub port: Option<u16>,
    /// Its variables, besides those of every service.
    pub environment: Vec<EnvironmentEntry>,
    /// Where it stands in the text, from 1.
    pub line: usize,
}

/// An entry of `environment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentEntry {
    /// `KEY`: the release must have it, or the promote is refused.
    Required(String),
    /// `KEY=value`: used where the release has no value of its own.
    Default(String, String),
}

impl EnvironmentEntry {
    /// The variable's name.
    pub fn key(&self) -> &str {
        match self {
            Self::Required(key) | Self::Default(key, _) => key,
        }
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", place(*line))]
pub struct ManifestError {
    /// Where, from 1; absent where it concerns the whole text.
    pub line: Option<usize>,
    /// What is wrong, with the path of the key: `services.web.port: …`.
    pub reason: String,
}

fn place(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

impl ManifestError {
    fn at(line: usize, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: reason.into() }
    }
}

impl Manifest {
    /// Reads and checks the text of a `convox.yml`.
    ///
    /// # Errors
    /// No YAML, no services, a service without a command or with an image, a value of a wrong kind.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        service::read(text)
    }

    /// The service of this name.
    pub fn service(&self, name: &ServiceName) -> Option<&ServiceSpec> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// The entries that count for a service: its own win over those of every service.
    pub fn environment_of<'a>(&'a self, service: &'a ServiceSpec) -> Vec<&'a EnvironmentEntry> {
        let own = |key: &str| service.environment.iter().any(|entry| entry.key() == key);
        let shared = self.environment.iter().filter(|entry| !own(entry.key()));
        shared.chain(&service.environment).collect()
    }

    /// The variables that some service requires and `environment` lacks, sorted.
    pub fn missing(&self, environment: &Environment) -> Vec<String> {
        let mut missing: Vec<String> = self
            .services
            .iter()
            .flat_map(|service| self.environment_of(service))
            .filter_map(|entry| match entry {
                EnvironmentEntry::Required(key) if environment.get(key).is_none() => Some(key),
                _ => None,
            })
            .cloned()
            .collect();
        missing.sort();
        missing.dedup();
        missing
    }

    /// The variables of a service under `environment`: the manifest's defaults and the release's
    /// values, which win.
    pub fn variables(
        &self,
        service: &ServiceSpec,
        environment: &Environment,
    ) -> Vec<(String, String)> {
        let mut variables: std::collections::BTreeMap<&str, &str> = self
            .environment_of(service)
            .into_iter()
            .filter_map(|entry| match entry {
                EnvironmentEntry::Default(key, value) => Some((key.as_str(), value.as_str())),
                EnvironmentEntry::Required(_) => None,
            })
            .collect();
        variables.extend(environment.iter());
        variables.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}
