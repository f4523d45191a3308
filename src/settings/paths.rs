//! The locations of the settings directory, shared with other clients, and of the data directory.
//!
//! The rules are those of the 3.x clients (the XDG base directories), except that there is no
//! fallback to system-wide directories and nothing is created before something is written.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::env_vars::EnvVars;

/// Operating systems by where they keep settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Mac,
    Other,
}

const HERE: System = if cfg!(target_os = "macos") { System::Mac } else { System::Other };

/// Returns the settings directory; `None` if no home directory is known.
pub(super) fn config_dir(env: &EnvVars) -> Option<PathBuf> {
    env.config.clone().or_else(|| Some(config_home(env, HERE)?.join("convox")))
}

/// Returns the development rack's data directory; `None` if no home directory is known.
pub(super) fn data_dir(env: &EnvVars) -> Option<PathBuf> {
    env.data.clone().or_else(|| Some(data_home(env, HERE)?.join("convox/rack")))
}

fn config_home(env: &EnvVars, system: System) -> Option<PathBuf> {
    let below_home = match system {
        System::Mac => "Library/Preferences",
        System::Other => ".config",
    };
    base_dir(env.xdg_config_home.as_deref(), env.home.as_deref(), below_home)
}

fn data_home(env: &EnvVars, system: System) -> Option<PathBuf> {
    let below_home = match system {
        System::Mac => "Library/Application Support",
        System::Other => ".local/share",
    };
    base_dir(env.xdg_data_home.as_deref(), env.home.as_deref(), below_home)
}

/// Relative XDG directories are ignored, as the XDG Base Directory Specification requires.
fn base_dir(xdg: Option<&Path>, home: Option<&Path>, below_home: &str) -> Option<PathBuf> {
    match xdg {
        Some(dir) if dir.is_absolute() => Some(dir.to_owned()),
        _ => Some(home?.join(below_home)),
    }
}

/// Creates a directory (0700) and its missing parents.
pub(super) fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Removes everybody else's access to a directory that we own.
pub(super) fn make_private(dir: &Path) {
    let Ok(found) = dir.metadata() else { return };
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    if is_ours && found.mode() & 0o077 != 0 {
        // Failing is fine, for example without permissions on the file system: each file in the
        // directory is private anyway.
        let _ = fs::set_permissions(dir, Permissions::from_mode(0o700));
    }
}

/// Returns the working directory as the shell spells it, if `pwd` and `current` are the same
/// directory: an app is named after a symbolic link rather than its target.
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
    fn the_config_home_depends_on_the_system_and_an_absolute_xdg_directory() {
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
    fn the_data_home_depends_on_the_system_and_an_absolute_xdg_directory() {
        for (xdg, system, expected) in [
            (None, System::Other, "/home/me/.local/share"),
            (None, System::Mac, "/home/me/Library/Application Support"),
            (Some("/xdg"), System::Mac, "/xdg"),
        ] {
            assert_eq!(data_home(&at_home(xdg), system), Some(expected.into()));
        }
    }

    #[test]
    fn convox_variables_win_over_xdg_variables() {
        let mut env = at_home(None);
        assert!(config_dir(&env).unwrap().ends_with("convox"));
        assert!(data_dir(&env).unwrap().ends_with("convox/rack"));
        env.config = Some("relative".into());
        env.data = Some("/data".into());
        assert_eq!(config_dir(&env), Some("relative".into()));
        assert_eq!(data_dir(&env), Some("/data".into()));
    }

    #[test]
    fn without_a_home_there_is_no_directory() {
        assert_eq!(config_dir(&EnvVars::default()), None);
        assert_eq!(data_dir(&EnvVars::default()), None);
    }

    #[test]
    fn new_directories_are_private_and_existing_ones_change_only_on_request() {
        let home = tempfile::tempdir().unwrap();
        let (made, found) = (home.path().join("a/b"), home.path().join("c"));
        let mode = |dir: &Path| dir.metadata().unwrap().mode() & 0o777;
        create_dir(&made).unwrap();
        assert_eq!(mode(&made), 0o700);
        fs::create_dir(&found).unwrap();
        fs::set_permissions(&found, Permissions::from_mode(0o755)).unwrap();
        create_dir(&found).unwrap();
        assert_eq!(mode(&found), 0o755);
        make_private(&found);
        assert_eq!(mode(&found), 0o700);
    }

    #[test]
    fn pwd_counts_only_if_it_is_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(as_spelled(&real, Some(&link)), link);
        assert_eq!(as_spelled(&real, Some(dir.path())), real);
        assert_eq!(as_spelled(&real, Some(Path::new("link"))), real);
        assert_eq!(as_spelled(&real, None), real);
    }
}
