//! The archive of a build that the development rack exports and imports: a gzipped tar of
//! `build.json`, the record of the build as on real racks, and `source/`, its built source.
//!
//! Archives of real racks have images instead of the source. They are refused, as is everything
//! that is damaged or cut.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use convox_package::unpack::{self, UnpackError};
use convox_wire::Build;

/// The record of the build.
const RECORD: &str = "build.json";
/// The directory with the source.
const SOURCE: &str = "source";
/// The maximum size of the record, which has the text of the manifest, in bytes.
const MAX_RECORD: u64 = 8 << 20;

/// Why an archive can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It can't be unpacked.
    #[error("this is not an exported build: {0}")]
    Unpack(#[from] UnpackError),
    /// It has no record.
    #[error("this is not an exported build: it has no {RECORD}")]
    NoRecord,
    /// The record can't be read.
    #[error("this is not an exported build: its {RECORD} can't be read: {0}")]
    Record(String),
    /// It has no source.
    #[error(
        "the archive has no source: the development rack imports builds that a development rack \
         has exported, not images"
    )]
    NoSource,
    /// The build has no manifest.
    #[error("this is not an exported build: its {RECORD} has no manifest")]
    NoManifest,
}

/// An unpacked build.
#[derive(Debug)]
pub struct Unpacked {
    /// The build, as the rack that exported it saw it.
    pub build: Build,
    /// The text of its manifest.
    pub manifest: String,
    /// The directory with its built source.
    pub source: PathBuf,
}

/// Writes the archive of a build.
///
/// # Errors
/// Fails if a file can't be read, or the archive can't be written.
pub(crate) fn write(build: &Build, source: &Path, to: impl Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(to, Compression::fast()));
    archive.follow_symlinks(false);
    let record = serde_json::to_vec(build)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(record.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, RECORD, record.as_slice())?;
    archive.append_dir_all(SOURCE, source)?;
    archive.into_inner()?.finish()?.flush()
}

/// Unpacks an archive into an existing directory. The caller removes the directory after an error.
///
/// # Errors
/// Fails if the archive is damaged, cut, or not that of a build of a development rack.
pub fn read(
    archive: impl Read,
    into: &Path,
    limits: &unpack::Limits,
) -> Result<Unpacked, ArchiveError> {
    unpack::unpack(archive, into, limits)?;
    let build = record(&into.join(RECORD))?;
    let source = into.join(SOURCE);
    if !source.symlink_metadata().is_ok_and(|about| about.is_dir()) {
        return Err(ArchiveError::NoSource);
    }
    let manifest = build.manifest.clone().filter(|text| !text.trim().is_empty());
    Ok(Unpacked { manifest: manifest.ok_or(ArchiveError::NoManifest)?, build, source })
}

fn record(path: &Path) -> Result<Build, ArchiveError> {
    let unreadable = |error: &dyn std::fmt::Display| ArchiveError::Record(error.to_string());
    if !path.symlink_metadata().is_ok_and(|about| about.is_file()) {
        return Err(ArchiveError::NoRecord);
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    file.take(MAX_RECORD + 1).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
    if text.len() as u64 > MAX_RECORD {
        return Err(unreadable(&"it is larger than 8 MB"));
    }
    serde_json::from_slice(&text).map_err(|error| unreadable(&error))
}

/// Returns a symlink of a source that leads out of it, if there is one: an archive with it could
/// not be unpacked.
pub(crate) fn outward_link(source: &Path) -> io::Result<Option<PathBuf>> {
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(source.join(&directory))? {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, directory.join(entry.file_name()));
            if kind.is_dir() {
                directories.push(name);
            } else if kind.is_symlink() && leaves(&directory, &std::fs::read_link(entry.path())?) {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

/// Returns whether a target, seen from a directory, is outside of the root.
fn leaves(directory: &Path, target: &Path) -> bool {
    let mut depth = directory.components().count();
    for component in target.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::apps;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use convox_wire::{BuildId, BuildStatus};

    fn build(manifest: Option<&str>) -> Build {
        let id = BuildId::from_rack("BXFGHCQLZGQ".to_owned());
        let manifest = manifest.map(str::to_owned);
        Build { manifest, ..Build::new(id, BuildStatus::Complete) }
    }

    fn source() -> tempfile::TempDir {
        let source = tempfile::tempdir().unwrap();
        std::fs::create_dir(source.path().join("bin")).unwrap();
        std::fs::write(source.path().join("bin/web"), "#!/bin/sh\n").unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(source.path().join("bin/web"), mode).unwrap();
        symlink("bin/web", source.path().join("web")).unwrap();
        source
    }

    fn archive(manifest: Option<&str>) -> Vec<u8> {
        let (source, mut bytes) = (source(), Vec::new());
        write(&build(manifest), source.path(), &mut bytes).unwrap();
        bytes
    }

    fn reread(bytes: &[u8]) -> Result<(Unpacked, tempfile::TempDir), ArchiveError> {
        let into = tempfile::tempdir().unwrap();
        Ok((read(bytes, into.path(), &unpack::Limits::default())?, into))
    }

    #[test]
    fn a_build_is_read_as_it_was_written() {
        let (read, _into) = reread(&archive(Some("services: {}"))).unwrap();
        assert_eq!(read.build.id.as_str(), "BXFGHCQLZGQ");
        assert_eq!(read.manifest, "services: {}");
        let web = read.source.join("bin/web");
        assert_eq!(std::fs::read_link(read.source.join("web")).unwrap(), Path::new("bin/web"));
        assert_eq!(std::fs::metadata(&web).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(std::fs::read_to_string(web).unwrap(), "#!/bin/sh\n");
    }

    #[test]
    fn an_archive_that_is_cut_anywhere_is_refused() {
        let whole = archive(Some("services: {}"));
        for end in 0..whole.len() {
            let error = reread(&whole[..end]).map(drop).unwrap_err().to_string();
            let expected = "this is not an exported build: the archive is damaged: ";
            assert!(error.starts_with(expected), "{end}: {error}");
        }
    }

    #[test]
    fn archives_of_something_else_are_refused() {
        let json = r#"{"id":"B1","status":"complete","manifest":"services: {}"}"#;
        for (bytes, expected) in [
            (apps::archive(&[("convox.yml", "services: {}")]), "it has no build.json"),
            (apps::archive(&[("build.json", json), ("web.B1.tar", "image")]), "not images"),
            (apps::archive(&[("build.json", "{"), ("source/a", "")]), "build.json can't be read"),
            (archive(None), "has no manifest"),
            (archive(Some(" \n")), "has no manifest"),
        ] {
            let error = reread(&bytes).map(drop).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn links_that_lead_out_of_a_source_are_found() {
        let source = source();
        symlink("../web", source.path().join("bin/back")).unwrap();
        assert_eq!(outward_link(source.path()).unwrap(), None);
        symlink("../../etc", source.path().join("bin/out")).unwrap();
        assert_eq!(outward_link(source.path()).unwrap(), Some(PathBuf::from("bin/out")));
        assert!(leaves(Path::new(""), Path::new("/usr/bin/python3")));
    }
}
