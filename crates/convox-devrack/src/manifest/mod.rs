//! The manifest of an app, `convox.yml`, as the development rack understands it.
//!
//! Real racks build images from it; this rack runs each service's `command` as a local process.
//! Unsupported keys (resources, timers, scale …) cause warnings. What can't work here, such as a
//! service with an image or without a command, is a [`ManifestError`] with its line.

mod environment;
mod service;
mod values;
mod yaml;

#[cfg(test)]
mod tests;

use convox_wire::{Environment, ServiceName};

/// A parsed manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The services, in the order of the text; at least one.
    pub services: Vec<ServiceSpec>,
    /// The variables of all services.
    pub environment: Vec<EnvironmentEntry>,
    /// Keys that the development rack ignores, a line each: `line 3: services.web.scale: …`.
    pub warnings: Vec<String>,
}

/// A service of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: ServiceName,
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// The build step, run in the source (`x-dev.build`).
    pub build: Option<Vec<String>>,
    /// The port that it listens on inside its container on a real rack. Here it listens on `PORT`.
    pub port: Option<u16>,
    /// Its own variables, in addition to those of all services.
    pub environment: Vec<EnvironmentEntry>,
    /// Its line in the text, from 1.
    pub line: usize,
}

/// An entry of `environment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentEntry {
    /// `KEY`: a promote is refused unless the release has a value.
    Required(String),
    /// `KEY=value`: the default, used unless the release has a value.
    Default(String, String),
}

impl EnvironmentEntry {
    /// Returns the variable's name.
    pub fn key(&self) -> &str {
        match self {
            Self::Required(key) | Self::Default(key, _) => key,
        }
    }
}

/// Why a manifest can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", place(*line))]
pub struct ManifestError {
    /// The line, from 1; `None` if the error concerns the whole text.
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
    /// Parses and checks the text of a `convox.yml`.
    ///
    /// # Errors
    /// Fails for invalid YAML, without services, for a service without a command or with an image,
    /// and for values of a wrong type.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        service::read(text)
    }

    /// Returns the service with this name.
    pub fn service(&self, name: &ServiceName) -> Option<&ServiceSpec> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// Returns the entries for a service: its own override those of all services.
    pub fn environment_of<'a>(&'a self, service: &'a ServiceSpec) -> Vec<&'a EnvironmentEntry> {
        let own = |key: &str| service.environment.iter().any(|entry| entry.key() == key);
        let shared = self.environment.iter().filter(|entry| !own(entry.key()));
        shared.chain(&service.environment).collect()
    }

    /// Returns the variables that a service requires and `environment` lacks, sorted.
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
