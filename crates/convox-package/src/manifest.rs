//! The manifest of a source directory: which file it is, and which Dockerfiles it names.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::{PackageError, Role};
use super::names::{clean, inside, path};
use super::read_file::read_file;
use super::yaml::Yaml;

/// The manifest in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// Its path relative to the root of the source, as racks expect it.
    pub name: PathBuf,
    /// How it was chosen.
    pub choice: ManifestChoice,
}

/// How the manifest was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestChoice {
    /// The caller named it.
    Explicit,
    /// It is `convox.yml`, the default.
    Default,
    /// It is `docker-compose.yml`, because there is no `convox.yml` (a generation 1 app).
    Fallback,
}

/// Finds and reads the manifest below `root`, which is absolute and free of symlinks.
pub(super) fn find(
    root: &Path,
    named: Option<&Path>,
) -> Result<(ManifestFile, Vec<u8>), PackageError> {
    let Some(named) = named else { return find_default(root) };
    let manifest =
        ManifestFile { name: name_inside(root, named)?, choice: ManifestChoice::Explicit };
    match read(&root.join(&manifest.name))? {
        Some(text) => Ok((manifest, text)),
        None => Err(PackageError::ManifestMissing(root.join(named))),
    }
}

fn find_default(root: &Path) -> Result<(ManifestFile, Vec<u8>), PackageError> {
    let defaults =
        [("convox.yml", ManifestChoice::Default), ("docker-compose.yml", ManifestChoice::Fallback)];
    for (name, choice) in defaults {
        if let Some(text) = read(&root.join(name))? {
            return Ok((ManifestFile { name: name.into(), choice }, text));
        }
    }
    Err(PackageError::NoManifest(root.to_owned()))
}

/// Returns the path of a manifest relative to the root, however it was named.
fn name_inside(root: &Path, named: &Path) -> Result<PathBuf, PackageError> {
    let outside =
        || PackageError::ManifestOutside { path: named.to_owned(), root: root.to_owned() };
    if named.is_relative() {
        return inside(b"", named.as_os_str().as_bytes()).map(|n| path(&n)).ok_or_else(outside);
    }
    let cleaned = path(&clean(named.as_os_str().as_bytes()));
    let (Some(directory), Some(file)) = (cleaned.parent(), cleaned.file_name()) else {
        return Err(outside());
    };
    let directory = directory.canonicalize().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => PackageError::ManifestMissing(named.to_owned()),
        _ => PackageError::reading(named, Role::Required, e),
    })?;
    let name = directory.join(file);
    name.strip_prefix(root).map(Path::to_owned).map_err(|_| outside())
}

/// Returns the text of a manifest; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>, PackageError> {
    read_file(path, PackageError::ManifestNotAFile)
}

/// Returns the Dockerfiles that the services' `build` entries name, relative to the root; `None` if
/// the manifest is not valid YAML.
///
/// convox.yml has `build: PATH`, or a map of `path` and `manifest` (the Dockerfile's name).
/// docker-compose.yml has `build: PATH`, or a map of `context` and `dockerfile`; in its version 1
/// the services are top-level keys and `dockerfile` is next to `build`.
pub(super) fn dockerfiles(manifest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let manifest = Yaml::first(manifest)?;
    let Yaml::Map(services) = manifest.get("services").unwrap_or(&manifest) else {
        return Some(Vec::new());
    };
    Some(services.iter().filter_map(|(_, service)| dockerfile(service)).collect())
}

fn dockerfile(service: &Yaml) -> Option<Vec<u8>> {
    let build = service.get("build")?;
    let text = |keys: [&str; 2]| keys.iter().find_map(|key| build.get(key)?.as_text());
    let beside = service.get("dockerfile").and_then(Yaml::as_text);
    let (directory, file) = match build {
        Yaml::Text(directory) => (directory.as_str(), beside),
        Yaml::Map(_) => {
            (text(["path", "context"]).unwrap_or("."), text(["manifest", "dockerfile"]))
        }
        Yaml::Other => return None,
    };
    inside(directory.as_bytes(), file.unwrap_or("Dockerfile").as_bytes())
}

/// The command that tests a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTest {
    /// The service.
    pub service: String,
    /// The command line.
    pub command: String,
}

/// Returns the `test` entries of the services of a convox.yml, in its order; `None` if the text is
/// not valid YAML.
pub fn service_tests(manifest: &str) -> Option<Vec<ServiceTest>> {
    let manifest = Yaml::first(manifest.as_bytes())?;
    let Some(Yaml::Map(services)) = manifest.get("services") else { return Some(Vec::new()) };
    let mut tests: Vec<ServiceTest> = Vec::new();
    for (name, service) in services {
        let command = service.get("test").and_then(Yaml::as_text).map(str::trim);
        let Some(command) = command.filter(|command| !command.is_empty()) else { continue };
        // Of services with one name, the last counts.
        tests.retain(|test| test.service != *name);
        tests.push(ServiceTest { service: name.clone(), command: command.to_owned() });
    }
    Some(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(manifest: &str) -> Vec<String> {
        let names = dockerfiles(manifest.as_bytes()).unwrap().into_iter();
        let mut names: Vec<_> = names.map(|name| String::from_utf8(name).unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn dockerfiles_are_found_in_a_convox_manifest() {
        let manifest = "
services:
  web: { build: . }
  api: { build: services/api/ }
  worker: { build: { path: ./jobs, manifest: Dockerfile.worker } }
  other: { build: { manifest: docker/Dockerfile } }
  redis: { image: redis }
  8080: { build: numbered }
  odd: 3
";
        let wanted = [
            "Dockerfile",
            "docker/Dockerfile",
            "jobs/Dockerfile.worker",
            "numbered/Dockerfile",
            "services/api/Dockerfile",
        ];
        assert_eq!(named(manifest), wanted);
    }

    #[test]
    fn dockerfiles_are_found_in_both_versions_of_compose_files() {
        let second = "services: {web: {build: {context: ./web, dockerfile: D2}}}";
        assert_eq!(named(second), ["web/D2"]);
        assert_eq!(named("web: {build: ./web, dockerfile: D1}"), ["web/D1"]);
    }

    #[test]
    fn tests_are_listed_in_the_order_of_the_manifest() {
        let manifest = "services: {web: {test: make test}, api: {}, job: {test: [a]}, cli: {test: \
                        ' '}, b: {test: t b}, a: {test: t a}}";
        let tests = service_tests(manifest).unwrap();
        let found: Vec<_> =
            tests.iter().map(|test| (test.service.as_str(), test.command.as_str())).collect();
        assert_eq!(found, [("web", "make test"), ("b", "t b"), ("a", "t a")]);
        assert_eq!(service_tests("web: {test: x}"), Some(Vec::new()));
        assert_eq!(service_tests("["), None);
    }

    #[test]
    fn dockerfiles_outside_of_the_source_are_ignored() {
        assert!(named("services: {web: {build: ../other}}").is_empty());
        assert!(named("services: {web: {build: /etc}}").is_empty());
    }

    #[test]
    fn a_manifest_without_services_names_no_dockerfiles() {
        for text in ["", "services: 3", "services:\n  web:\n    build: [1]"] {
            assert!(named(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn invalid_yaml_is_distinguished_from_a_manifest_without_dockerfiles() {
        for text in [&b"["[..], b"\xff\xfe", b"\0"] {
            assert_eq!(dockerfiles(text), None);
        }
    }
}
