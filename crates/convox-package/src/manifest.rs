//! The manifest of a source directory: which file it is, and which Dockerfiles it names.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::PackageError;
use super::names::{clean, inside, path};
use super::texts;
use super::yaml::Yaml;

/// The manifest in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// Its name relative to the root of the source, as racks want it.
    pub name: PathBuf,
    /// How it was chosen.
    pub choice: ManifestChoice,
}

/// How a manifest was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestChoice {
    /// The user named it.
    Explicit,
    /// It is the usual `convox.yml`.
    Default,
    /// It is `docker-compose.yml`, as there is no `convox.yml`: an app of the first generation.
    Fallback,
}

/// Finds the manifest under `root`, which has no symlinks in it, and reads it.
pub(super) fn find(
    root: &Path,
    named: Option<&Path>,
) -> Result<(ManifestFile, Vec<u8>), PackageError> {
    let Some(named) = named else { return find_usual(root) };
    let manifest =
        ManifestFile { name: name_inside(root, named)?, choice: ManifestChoice::Explicit };
    match read(&root.join(&manifest.name))? {
        Some(text) => Ok((manifest, text)),
        None => Err(PackageError::ManifestMissing(root.join(named))),
    }
}

fn find_usual(root: &Path) -> Result<(ManifestFile, Vec<u8>), PackageError> {
    let usual =
        [("convox.yml", ManifestChoice::Default), ("docker-compose.yml", ManifestChoice::Fallback)];
    for (name, choice) in usual {
        if let Some(text) = read(&root.join(name))? {
            return Ok((ManifestFile { name: name.into(), choice }, text));
        }
    }
    Err(PackageError::NoManifest(root.to_owned()))
}

/// A manifest's name relative to the root, whichever way it was spelled.
fn name_inside(root: &Path, named: &Path) -> Result<PathBuf, PackageError> {
    let outside =
        || PackageError::ManifestOutside { path: named.to_owned(), root: root.to_owned() };
    if named.is_relative() {
        return inside(b"", named.as_os_str().as_bytes()).map(|n| path(&n)).ok_or_else(outside);
    }
    let cleaned = path(&clean(named.as_os_str().as_bytes()));
    let (Some(folder), Some(file)) = (cleaned.parent(), cleaned.file_name()) else {
        return Err(outside());
    };
    let folder = folder.canonicalize().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => PackageError::ManifestMissing(named.to_owned()),
        _ => PackageError::reading(named, e),
    })?;
    let name = folder.join(file);
    name.strip_prefix(root).map(Path::to_owned).map_err(|_| outside())
}

/// The text of a manifest; `None` if there is no such file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, PackageError> {
    texts::read(path, PackageError::ManifestNotAFile)
}

/// The Dockerfiles that services' `build` entries name, relative to the root.
///
/// convox.yml: `build: PATH`, or a map of `path` and `manifest` (the Dockerfile's name).
/// docker-compose.yml: `build: PATH`, or a map of `context` and `dockerfile`; in its first version
/// services stand at the top and `dockerfile` beside `build`. `None` where the manifest cannot be
/// read as YAML.
pub(super) fn dockerfiles(manifest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let manifest = Yaml::first(manifest)?;
    let Yaml::Map(services) = manifest.get("services").unwrap_or(&manifest) else {
        return Some(Vec::new());
    };
    Some(services.values().filter_map(dockerfile).collect())
}

fn dockerfile(service: &Yaml) -> Option<Vec<u8>> {
    let build = service.get("build")?;
    let text = |keys: [&str; 2]| keys.iter().find_map(|key| build.get(key)?.as_text());
    let beside = service.get("dockerfile").and_then(Yaml::as_text);
    let (folder, file) = match build {
        Yaml::Text(folder) => (folder.as_str(), beside),
        Yaml::Map(_) => {
            (text(["path", "context"]).unwrap_or("."), text(["manifest", "dockerfile"]))
        }
        Yaml::Other => return None,
    };
    inside(folder.as_bytes(), file.unwrap_or("Dockerfile").as_bytes())
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
    fn services_of_a_convox_manifest_name_their_dockerfiles() {
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
    fn services_of_a_compose_file_name_their_dockerfiles() {
        let second = "services: {web: {build: {context: ./web, dockerfile: D2}}}";
        assert_eq!(named(second), ["web/D2"]);
        assert_eq!(named("web: {build: ./web, dockerfile: D1}"), ["web/D1"]);
    }

    #[test]
    fn dockerfiles_outside_of_the_source_are_not_ours_to_send() {
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
    fn a_manifest_that_is_no_yaml_does_not_tell() {
        for text in [&b"["[..], b"\xff\xfe", b"\0"] {
            assert_eq!(dockerfiles(text), None);
        }
    }
}
