//! Errors of packing, and warnings about what was packed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::ignore::RuleError;
use super::names::DisplayPath;
use super::system_error::SystemError;

/// Why a directory cannot be packed.
///
/// Cheap to clone, as every reader of a [`Spool`](super::Spool) gets the same error. The message
/// states what failed and why; [`advice`](Self::advice) adds what can be done about it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The directory does not exist.
    #[error("no such directory: {}", DisplayPath(.0))]
    NoDirectory(PathBuf),
    /// The path is not a directory.
    #[error("not a directory: {}", DisplayPath(.0))]
    NotADirectory(PathBuf),
    /// The directory has no entries.
    #[error("directory is empty: {}", DisplayPath(.0))]
    Empty(PathBuf),
    /// No manifest was named, and the directory has none under the default names.
    #[error("no convox.yml or docker-compose.yml in {}", DisplayPath(.0))]
    NoManifest(PathBuf),
    /// The named manifest does not exist.
    #[error("no such manifest: {}", DisplayPath(.0))]
    ManifestMissing(PathBuf),
    /// The manifest is not a regular file.
    #[error("manifest is not a file: {}", DisplayPath(.0))]
    ManifestNotAFile(PathBuf),
    /// The named manifest is not in the directory, so it would not be in the archive.
    #[error("manifest {} is outside of {}", DisplayPath(.path), DisplayPath(.root))]
    ManifestOutside {
        /// The manifest as it was named.
        path: PathBuf,
        /// The directory to pack.
        root: PathBuf,
    },
    /// The manifest is a symlink, or behind one, that would dangle in the archive.
    #[error(
        "manifest {} is a link that leads out of {}",
        DisplayPath(.path),
        DisplayPath(.root)
    )]
    ManifestLeadsOut {
        /// The manifest, relative to the directory.
        path: PathBuf,
        /// The directory to pack.
        root: PathBuf,
    },
    /// The ignore file is not a regular file.
    #[error("ignore file is not a file: {}", DisplayPath(.0))]
    IgnoreNotAFile(PathBuf),
    /// The manifest or the ignore file is too large to be one.
    #[error("{} is larger than {} MB", DisplayPath(.path), .limit >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A line of the ignore file has a syntax error.
    #[error("{}: {source}", DisplayPath(.path))]
    Ignore {
        /// The ignore file.
        path: PathBuf,
        /// The line, and what is wrong with it.
        #[source]
        source: RuleError,
    },
    /// A file or directory cannot be read.
    #[error("cannot read {}: {source}", DisplayPath(.path))]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Whether it can be left out.
        role: Role,
        /// The system's error.
        #[source]
        source: SystemError,
    },
    /// A file was written to, replaced, or removed while the directory was being packed.
    #[error("{} changed while it was being read", DisplayPath(.path))]
    Changed {
        /// The file.
        path: PathBuf,
        /// Whether it can be left out.
        role: Role,
    },
    /// The temporary directory has no space left.
    #[error("no space left for the archive in {}", DisplayPath(.0))]
    SpoolFull(PathBuf),
    /// The temporary file cannot be created, written, or read.
    #[error("cannot keep the archive in {}: {source}", DisplayPath(.dir))]
    Spool {
        /// The temporary directory.
        dir: PathBuf,
        /// The system's error.
        #[source]
        source: SystemError,
    },
    /// A packing thread could not be started, or crashed.
    #[error("packing {} failed: {source}", DisplayPath(.root))]
    Aborted {
        /// The directory to pack.
        root: PathBuf,
        /// The system's error, or a description of the crash.
        #[source]
        source: SystemError,
    },
}

/// Why a path is read at all, which decides how it could be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is always sent, or leads to something that is: an ignore rule cannot leave it out.
    Required,
    /// An ignore rule can leave it out.
    Optional,
    /// A `!` rule includes it, or may include something below it: only a later rule can leave it
    /// out.
    Readmitted,
}

impl PackageError {
    /// Returns what the user can do about the error, as a clause without a period.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::ManifestOutside { .. } => Some("it has to be in the directory that is sent"),
            Self::ManifestLeadsOut { .. } => {
                Some("put the file itself there, or a relative link to a file in the directory")
            }
            Self::IgnoreNotAFile(_) => Some("make it a file or remove it"),
            Self::Unreadable { role, source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Some(match role {
                    Role::Required => "change its permissions",
                    Role::Optional => "change its permissions or list it in .dockerignore",
                    Role::Readmitted => {
                        "change its permissions or list it at the end of .dockerignore, \
                         after the ! rules"
                    }
                })
            }
            Self::Changed { role, .. } => Some(match role {
                Role::Required => "try again when nothing writes to it",
                Role::Optional => {
                    "try again when nothing writes to it, or list it in .dockerignore"
                }
                Role::Readmitted => {
                    "try again when nothing writes to it, or list it at the end of \
                     .dockerignore, after the ! rules"
                }
            }),
            Self::SpoolFull(_) => {
                Some("free some space, or set TMPDIR to a directory with more of it")
            }
            Self::Spool { .. } => Some("set TMPDIR to a directory that can be written to"),
            _ => None,
        }
    }

    /// An error of reading `path`. A missing file or an early end means that it has changed, since
    /// it was there a moment ago.
    pub(super) fn reading(
        path: impl AsRef<Path>,
        role: Role,
        source: impl Into<SystemError>,
    ) -> Self {
        let (path, source) = (path.as_ref().to_owned(), source.into());
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Self::Changed { path, role },
            _ => Self::Unreadable { path, role, source },
        }
    }

    /// An error of the temporary file in `dir`.
    pub(super) fn spooling(dir: &Path, source: io::Error) -> Self {
        let dir = dir.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::SpoolFull(dir),
            _ => Self::Spool { dir, source: source.into() },
        }
    }
}

/// Something the user may want to know about an archive that is otherwise fine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A file of this name, which usually holds secrets, is in the archive.
    DotEnv(PathBuf),
    /// An ignore rule excludes a file that is always sent.
    AlwaysSent(PathBuf),
    /// The manifest cannot be parsed, so the Dockerfiles that it names are unknown.
    UnknownDockerfiles(PathBuf),
    /// A socket was left out: archives cannot hold one.
    Socket(PathBuf),
    /// A device was left out: builds may not create one.
    Device(PathBuf),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DotEnv(path) => write!(
                f,
                "{} is in the archive: list it in .dockerignore if it holds secrets",
                DisplayPath(path)
            ),
            Self::AlwaysSent(path) => {
                write!(f, "{} is sent although .dockerignore excludes it", DisplayPath(path))
            }
            Self::UnknownDockerfiles(path) => write!(
                f,
                "{} is not valid YAML: a Dockerfile that it names is not sent \
                 if .dockerignore excludes it",
                DisplayPath(path)
            ),
            Self::Socket(path) => write!(f, "{} is a socket and was left out", DisplayPath(path)),
            Self::Device(path) => write!(f, "{} is a device and was left out", DisplayPath(path)),
        }
    }
}
