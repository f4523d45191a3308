//! Where things are kept: the settings folder of the existing clients, and our data folder.
//!
//! The rules are those of the 3.x clients (the XDG base directories), without their fall-backs to
//! system-wide folders and without creating anything before something is written.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::variables::EnvVars;

/// The systems whose customs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Mac,
    Other,
}

const HERE: System = if cfg!(target_os = "macos") { System::Mac } else { System::Other };

/// The settings folder. `None` where no home folder is known.
pub(super) fn settings_folder(variables: &EnvVars) -> Option<PathBuf> {
    variables.config.clone().or_else(|| Some(config_home(variables, HERE)?.join("convox")))
}

/// The development rack's data folder. `None` where no home folder is known.
pub(super) fn data_folder(variables: &EnvVars) -> Option<PathBuf> {
    variables.data.clone().or_else(|| Some(data_home(variables, HERE)?.join("convox/rack")))
}

fn config_home(variables: &EnvVars, system: System) -> Option<PathBuf> {
    let beneath = match system {
        System::Mac => "Library/Preferences",
        System::Other => ".config",
    };
    home_of(variables.xdg_config_home.as_deref(), variables.home.as_deref(), beneath)
}

fn data_home(variables: &EnvVars, system: System) -> Option<PathBuf> {
    let beneath = match system {
        System::Mac => "Library/Application Support",
        System::Other => ".local/share",
    };
    home_of(variables.xdg_data_home.as_deref(), variables.home.as_deref(), beneath)
}

/// A relative XDG folder is to be ignored, says the specification.
fn home_of(xdg: Option<&Path>, home: Option<&Path>, beneath: &str) -> Option<PathBuf> {
    match xdg {
        Some(folder) if folder.is_absolute() => Some(folder.to_owned()),
        _ => Some(home?.join(beneath)),
    }
}

/// Makes a folder (0700), and those above it, where it is missing.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes a folder of ours from everybody else. Where that cannot be done, on a file system without
/// modes for one, its files are private all the same.
pub(super) fn make_private(folder: &Path) {
    let Ok(found) = folder.metadata() else { return };
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    if is_ours && found.mode() & 0o077 != 0 {
        drop(fs::set_permissions(folder, Permissions::from_mode(0o700)));
    }
}

/// The working folder as the shell spells it, if `pwd` means the same folder as `current`: a
/// symbolic link's own name counts for the app that is named after the folder.
pub(super) fn as_spelled(current: &Path, pwd: Option<&Path>) -> PathBuf {
    match pwd {
        Some(pwd) if pwd.is_absolute() && is_same(pwd, current) => pwd.to_owned(),
        _ => current.to_owned(),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_home(xdg: Option<&str>) -> EnvVars {
        EnvVars {
            home: Some("/home/me".into()),
            xdg_config_home: xdg.map(Into::into),
            xdg_data_home: xdg.map(Into::into),
            ..EnvVars::default()
        }
    }

    #[test]
    fn the_config_home_follows_the_system_and_an_absolute_xdg_folder() {
        for (xdg, system, expected) in [
            (None, System::Other, "/home/me/.config"),
            (None, System::Mac, "/home/me/Library/Preferences"),
            (Some("/xdg"), System::Other, "/xdg"),
            (Some("/xdg"), System::Mac, "/xdg"),
            (Some("xdg"), System::Other, "/home/me/.config"),
        ] {
            assert_eq!(config_home(&at_home(xdg), system), Some(expected.into()));
        }
    }

    #[test]
    fn the_data_home_follows_the_system_and_an_absolute_xdg_folder() {
        for (xdg, system, expected) in [
            (None, System::Other, "/home/me/.local/share"),
            (None, System::Mac, "/home/me/Library/Application Support"),
            (Some("/xdg"), System::Mac, "/xdg"),
        ] {
            assert_eq!(data_home(&at_home(xdg), system), Some(expected.into()));
        }
    }

    #[test]
    fn the_variables_of_our_own_beat_everything() {
        let mut variables = at_home(None);
        assert!(settings_folder(&variables).unwrap().ends_with("convox"));
        assert!(data_folder(&variables).unwrap().ends_with("convox/rack"));
        variables.config = Some("relative".into());
        variables.data = Some("/data".into());
        assert_eq!(settings_folder(&variables), Some("relative".into()));
        assert_eq!(data_folder(&variables), Some("/data".into()));
    }

    #[test]
    fn without_a_home_there_is_no_folder() {
        assert_eq!(settings_folder(&EnvVars::default()), None);
        assert_eq!(data_folder(&EnvVars::default()), None);
    }

    #[test]
    fn a_folder_is_made_private_and_an_open_one_becomes_so_only_when_told() {
        let home = tempfile::tempdir().unwrap();
        let (made, found) = (home.path().join("a/b"), home.path().join("c"));
        let mode = |folder: &Path| folder.metadata().unwrap().mode() & 0o777;
        make(&made).unwrap();
        assert_eq!(mode(&made), 0o700);
        fs::create_dir(&found).unwrap();
        fs::set_permissions(&found, Permissions::from_mode(0o755)).unwrap();
        make(&found).unwrap();
        assert_eq!(mode(&found), 0o755);
        make_private(&found);
        assert_eq!(mode(&found), 0o700);
    }

    #[test]
    fn the_shells_spelling_counts_only_for_the_same_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(as_spelled(&real, Some(&link)), link);
        assert_eq!(as_spelled(&real, Some(folder.path())), real);
        assert_eq!(as_spelled(&real, Some(Path::new("link"))), real);
        assert_eq!(as_spelled(&real, None), real);
    }
}
