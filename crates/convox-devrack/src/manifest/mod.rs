//! The manifest of an app, `convox.yml`, as the development rack understands it.
//!
//! Real racks build images from it; this rack runs each service's `command` as a local process.
//! Unsupported keys (volumes, labels …) cause warnings. What can't work here, such as a
//! service with an image or without a command, is a [`ManifestError`] with its line.

mod environment;
mod health;
mod resource;
mod scale;
mod schedule;
mod service;
mod timer;
mod values;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use self::health::HealthCheck;
pub(crate) use self::resource::variable_of;
pub use self::resource::{Engine, ResourceLink, ResourceSpec};
pub(crate) use self::scale::MAX_COUNT;
pub use self::schedule::Schedule;
pub use self::timer::TimerSpec;
use convox_wire::{Environment, ServiceName};

/// A parsed manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The services, in the order of the text; at least one.
    pub services: Vec<ServiceSpec>,
    /// The resources, in the order of the text.
    pub resources: Vec<ResourceSpec>,
    /// The timers, in the order of the text.
    pub timers: Vec<TimerSpec>,
    /// The variables of all services.
    pub environment: Vec<EnvironmentEntry>,
    /// Keys that the development rack ignores, a line each: `line 3: services.web.volumes: …`.
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
    /// Directories in the source that are carried over from the build before (`x-dev.cache`).
    pub cache: Vec<String>,
    /// The port that it listens on inside its container on a real rack. Here it listens on `PORT`.
    pub port: Option<u16>,
    /// Its own variables, in addition to those of all services.
    pub environment: Vec<EnvironmentEntry>,
    /// The resources that it uses.
    pub resources: Vec<ResourceLink>,
    /// How many processes it has unless it was scaled; `None` if the text does not say.
    pub count: Option<usize>,
    /// Its health check; `None` if accepting connections is enough.
    pub health: Option<HealthCheck>,
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
    /// `*`: all variables of the release.
    All,
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
    /// Parses and checks the text of a `convox.yml`, after replacing `${VAR}` by the variables of
    /// `environment`.
    ///
    /// # Errors
    /// Fails for invalid YAML, without services, for a service without a command or with an image,
    /// and for values of a wrong type.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, ManifestError> {
        service::read(&environment.interpolate(text))
    }

    /// Returns the service with this name.
    pub fn service(&self, name: &ServiceName) -> Option<&ServiceSpec> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// Returns the entries for a service: those of all services, then its own. Later ones win.
    pub fn environment_of<'a>(
        &'a self,
        service: &'a ServiceSpec,
    ) -> impl Iterator<Item = &'a EnvironmentEntry> {
        self.environment.iter().chain(&service.environment)
    }

    /// Returns the variables that a service requires and `environment` lacks, sorted. As on v3
    /// racks, a default elsewhere does not count.
    pub fn missing(&self, environment: &Environment) -> Vec<String> {
        let missing: BTreeSet<&String> = self
            .declared()
            .filter_map(|entry| match entry {
                EnvironmentEntry::Required(key) if environment.get(key).is_none() => Some(key),
                _ => None,
            })
            .collect();
        missing.into_iter().cloned().collect()
    }

    /// Returns the variables of `environment` that no service gets, sorted.
    pub fn undeclared(&self, environment: &Environment) -> Vec<String> {
        let mut undeclared: BTreeSet<&str> = environment.iter().map(|(key, _)| key).collect();
        for entry in self.declared() {
            match entry {
                EnvironmentEntry::All => return Vec::new(),
                EnvironmentEntry::Required(key) | EnvironmentEntry::Default(key, _) => {
                    undeclared.remove(key.as_str());
                }
            }
        }
        undeclared.into_iter().map(str::to_owned).collect()
    }

    /// Returns the entries of all services.
    fn declared(&self) -> impl Iterator<Item = &EnvironmentEntry> {
        self.environment.iter().chain(self.services.iter().flat_map(|service| &service.environment))
    }

    /// Returns the variables that a service declares: the values of the release, which win, and
    /// defaults.
    pub fn variables(
        &self,
        service: &ServiceSpec,
        environment: &Environment,
    ) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for entry in self.environment_of(service) {
            match entry {
                EnvironmentEntry::All => {
                    let all = environment.iter();
                    variables.extend(all.map(|(key, value)| (key.to_owned(), value.to_owned())));
                }
                EnvironmentEntry::Default(key, default) => {
                    let value = environment.get(key).unwrap_or(default);
                    variables.insert(key.clone(), value.to_owned());
                }
                EnvironmentEntry::Required(key) => {
                    let value = environment.get(key).map(|value| (key.clone(), value.to_owned()));
                    variables.extend(value);
                }
            }
        }
        variables
    }
}
