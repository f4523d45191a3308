//! What can go wrong while packaging, and what is worth a warning.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ignore::RuleError;
use super::names::Shown;

/// Why a directory cannot be packed. Cheap to clone: all readers of a spool are told the same.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The directory does not exist.
    #[error("no such directory: {}", Shown(.0))]
    NoDirectory(PathBuf),
    /// The path is something else than a directory.
    #[error("not a directory: {}", Shown(.0))]
    NotADirectory(PathBuf),
    /// There is nothing in the directory.
    #[error("directory is empty: {}", Shown(.0))]
    Empty(PathBuf),
    /// No manifest was named, and none has a usual name.
    #[error(
        "no convox.yml or docker-compose.yml in {}, name the manifest with --manifest",
        Shown(.0)
    )]
    NoManifest(PathBuf),
    /// The named manifest does not exist.
    #[error("no such manifest: {}", Shown(.0))]
    ManifestMissing(PathBuf),
    /// The manifest is a folder or something stranger.
    #[error("manifest is not a file: {}", Shown(.0))]
    ManifestNotAFile(PathBuf),
    /// The named manifest would not be in the archive.
    #[error(
        "manifest {} is outside of {}: it has to be in the directory that is sent",
        Shown(.path),
        Shown(.root)
    )]
    ManifestOutside {
        /// The manifest as it was named.
        path: PathBuf,
        /// The directory to pack.
        root: PathBuf,
    },
    /// The manifest is a link, or behind one, that would lead nowhere in the archive.
    #[error(
        "manifest {} is a link that leads out of {}: put the file itself there, \
         or a relative link to one within",
        Shown(.path),
        Shown(.root)
    )]
    ManifestLeadsOut {
        /// The manifest, relative to the directory.
        path: PathBuf,
        /// The directory to pack.
        root: PathBuf,
    },
    /// The ignore file is a folder, a FIFO or something stranger.
    #[error("ignore file is not a file: {}, make it one or remove it", Shown(.0))]
    IgnoreNotAFile(PathBuf),
    /// A line of the ignore file cannot be understood.
    #[error("{}: {source}", Shown(.path))]
    Ignore {
        /// The ignore file.
        path: PathBuf,
        /// The line, and what is wrong with it.
        source: RuleError,
    },
    /// Something in the directory cannot be read.
    #[error("cannot read {}: {}{}", Shown(.path), reason(.source), advice(.source))]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// A file was cut, replaced or removed after its size had been noted.
    #[error(
        "{} changed while it was being read: try again when nothing writes to it, \
         or list it in .dockerignore",
        Shown(.0)
    )]
    Changed(PathBuf),
    /// The folder for temporary files is full.
    #[error(
        "no space left for the archive in {}: free some, or set TMPDIR to a folder with room",
        Shown(.0)
    )]
    SpoolFull(PathBuf),
    /// The temporary file cannot be made, written or read.
    #[error("cannot keep the archive in {} (TMPDIR): {}", Shown(.dir), reason(.source))]
    Spool {
        /// The folder for temporary files.
        dir: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// The packing threads could not be started, or one of them broke down.
    #[error("packing of {} broke off: {}", Shown(.root), reason(.source))]
    BrokeOff {
        /// The directory to pack.
        root: PathBuf,
        /// The system's reason, if it had one.
        source: Arc<io::Error>,
    },
}

impl PackageError {
    /// A failed read, by what the system said: what is gone has changed under our hands.
    pub(super) fn reading(path: impl AsRef<Path>, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.as_ref().to_owned(), source.into());
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Self::Changed(path),
            _ => Self::Unreadable { path, source: Arc::new(source) },
        }
    }

    /// A failure of the temporary file.
    pub(super) fn spooling(source: io::Error) -> Self {
        let dir = std::env::temp_dir();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::SpoolFull(dir),
            _ => Self::Spool { dir, source: Arc::new(source) },
        }
    }
}

fn advice(e: &io::Error) -> &'static str {
    match e.kind() {
        io::ErrorKind::PermissionDenied => ", change its permissions or list it in .dockerignore",
        _ => "",
    }
}

/// The system's words without its error number.
pub(super) fn reason(e: &io::Error) -> String {
    let text = e.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

/// Something that the user may want to know about an archive that is otherwise fine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A file with this name, which usually holds secrets, is in the archive.
    DotEnv(PathBuf),
    /// A rule tried to leave out a file that is always sent.
    AlwaysSent(PathBuf),
    /// The manifest cannot be read, so the Dockerfiles that it names are not known.
    UnknownDockerfiles(PathBuf),
    /// A socket was left out: archives cannot hold one.
    Socket(PathBuf),
    /// A device was left out: a build may not create one.
    Device(PathBuf),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DotEnv(path) => write!(
                f,
                "{} is in the archive: list it in .dockerignore if it holds secrets",
                Shown(path)
            ),
            Self::AlwaysSent(path) => {
                write!(f, "{} is sent although .dockerignore leaves it out", Shown(path))
            }
            Self::UnknownDockerfiles(path) => write!(
                f,
                "{} cannot be read as YAML: a Dockerfile that it names is not sent \
                 where .dockerignore leaves it out",
                Shown(path)
            ),
            Self::Socket(path) => write!(f, "{} is a socket and was left out", Shown(path)),
            Self::Device(path) => write!(f, "{} is a device and was left out", Shown(path)),
        }
    }
}
