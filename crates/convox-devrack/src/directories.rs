//! Where the rack keeps its files, below its data folder. App names are checked to be labels, and
//! build ids are the rack's own, so both can be names of folders.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use convox_wire::{AppName, BuildId};

/// The data folder.
#[derive(Debug, Clone)]
pub(crate) struct Directories {
    root: PathBuf,
}

impl Directories {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("rack.redb")
    }

    /// The log of the rack itself.
    pub(crate) fn system_log(&self) -> PathBuf {
        self.root.join("system-log")
    }

    pub(crate) fn apps(&self) -> PathBuf {
        self.root.join("apps")
    }

    pub(crate) fn app(&self, app: &AppName) -> PathBuf {
        self.apps().join(app.as_str())
    }

    pub(crate) fn app_log(&self, app: &AppName) -> PathBuf {
        self.app(app).join("log")
    }

    pub(crate) fn objects(&self, app: &AppName) -> PathBuf {
        self.app(app).join("objects")
    }

    pub(crate) fn sources(&self, app: &AppName) -> PathBuf {
        self.app(app).join("sources")
    }

    /// The unpacked and built source of a build.
    pub(crate) fn source(&self, app: &AppName, build: &BuildId) -> PathBuf {
        self.sources(app).join(build.as_str())
    }

    pub(crate) fn build_logs(&self, app: &AppName) -> PathBuf {
        self.app(app).join("build-logs")
    }

    pub(crate) fn build_log(&self, app: &AppName, build: &BuildId) -> PathBuf {
        self.build_logs(app).join(build.as_str())
    }

    /// Makes the folders of an app.
    pub(crate) fn create_app(&self, app: &AppName) -> io::Result<()> {
        let folders = [self.app_log(app), self.objects(app), self.sources(app)];
        folders
            .into_iter()
            .chain([self.build_logs(app)])
            .try_for_each(|folder| create_private(&folder))
    }
}

/// Makes a folder, and those above it, that only its owner may enter.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the data folder; one that is there already is closed to others.
pub(crate) fn create_data(data: &Path) -> io::Result<()> {
    create_private(data)?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))
}

/// Writes the folder's own entries to the disk, so that a rename in it lasts.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a folder or file with all below it; one that is not there is as good as removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The names in a folder; none where there is no folder.
pub(crate) fn file_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
