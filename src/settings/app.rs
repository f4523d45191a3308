//! The app that a command acts on.
//!
//! It is the first of: the argument, `--app`, `CONVOX_APP`, the file `.convox/app`, and the name
//! of the directory.
//!
//! When `deploy` or `build` is given another directory, that directory's `.convox/app` is read
//! before the one in the working directory. The name comes from the working directory even when a
//! subdirectory is deployed, as in 3.x clients; a directory outside of it provides its own name, as
//! in classic clients.

use std::path::{Path, PathBuf};

use super::NoWorkingDir;
use super::config_dir::{ConfigError, read_text};
use super::paths::as_spelled;
use convox_wire::{AppName, InvalidName};

/// The places that may name the app, in order of precedence.
#[derive(Debug, Clone)]
pub struct AppSources<'a> {
    /// The argument of a command that takes the app's name. An empty one is ignored.
    pub argument: Option<&'a str>,
    /// `--app`. An empty one is ignored.
    pub flag: Option<&'a str>,
    /// `CONVOX_APP`.
    pub variable: Option<&'a AppName>,
    /// The working directory.
    pub working_dir: Result<&'a Path, NoWorkingDir>,
    /// `PWD`: the working directory as the shell spells it.
    pub pwd: Option<&'a Path>,
    /// The directory that is deployed or built.
    pub source: Option<&'a Path>,
}

/// Why the app can't be determined.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The given name is not an app name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The file `.convox/app` does not contain an app name.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        why: InvalidName,
    },
    /// The name of the directory is not an app name.
    #[error("can't name an app after the directory {}", .0.display())]
    Directory(PathBuf),
    /// The working directory is needed and can't be used.
    #[error(transparent)]
    WorkingDir(#[from] NoWorkingDir),
    /// The file `.convox/app` can't be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Returns the app, following the rules above.
///
/// # Errors
/// The given name is invalid, `.convox/app` can't be used, or no app can be named after the
/// directory.
pub fn resolve_app(sources: &AppSources<'_>) -> Result<AppName, AppError> {
    let given = [sources.argument, sources.flag];
    if let Some(name) = given.into_iter().flatten().find(|name| !name.is_empty()) {
        return Ok(name.parse()?);
    }
    if let Some(name) = sources.variable {
        return Ok(name.clone());
    }
    if let Some(name) = sources.source.map(local_app).transpose()?.flatten() {
        return Ok(name);
    }
    let working_dir = sources.working_dir.clone()?;
    match local_app(working_dir)? {
        Some(name) => Ok(name),
        None => name_after_dir(working_dir, sources),
    }
}

/// Reads the name in `.convox/app` of a directory.
fn local_app(dir: &Path) -> Result<Option<AppName>, AppError> {
    let path = dir.join(".convox/app");
    let Some(text) = read_text(&path)? else { return Ok(None) };
    text.parse().map(Some).map_err(|why| AppError::File { path, why })
}

fn name_after_dir(working_dir: &Path, sources: &AppSources<'_>) -> Result<AppName, AppError> {
    let dir = match sources.source {
        Some(source) if is_outside(source, working_dir) => {
            std::fs::canonicalize(source).unwrap_or_else(|_| source.to_owned())
        }
        _ => as_spelled(working_dir, sources.pwd),
    };
    let name = dir.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    name.ok_or(AppError::Directory(dir))
}

/// Whether `source` is neither `dir` nor inside it. A missing directory counts as inside: the
/// command reports later that it is missing.
fn is_outside(source: &Path, dir: &Path) -> bool {
    match (std::fs::canonicalize(source), std::fs::canonicalize(dir)) {
        (Ok(source), Ok(dir)) => !source.starts_with(dir),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A home with two apps, `harbor` (with a subdirectory `web`) and `lantern`.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            for dir in ["harbor/web", "lantern"] {
                fs::create_dir_all(home.path(dir)).unwrap();
            }
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn set_local(&self, dir: &str, name: &str) {
            fs::create_dir_all(self.path(dir).join(".convox")).unwrap();
            fs::write(self.path(dir).join(".convox/app"), name).unwrap();
        }

        fn app(&self, dir: &str, source: Option<&str>) -> Result<String, AppError> {
            let (dir, source) = (self.path(dir), source.map(|source| self.path(source)));
            let sources = AppSources { source: source.as_deref(), ..in_dir(&dir) };
            resolve_app(&sources).map(|app| app.to_string())
        }
    }

    fn in_dir(working_dir: &Path) -> AppSources<'_> {
        let working_dir = Ok(working_dir);
        let (argument, flag, variable, pwd, source) = (None, None, None, None, None);
        AppSources { argument, flag, variable, working_dir, pwd, source }
    }

    #[test]
    fn argument_flag_variable_and_file_win_in_this_order() {
        let home = Home::new();
        home.set_local("harbor", "from-file\n");
        let (dir, variable) = (home.path("harbor"), "from-variable".parse().unwrap());
        let all = AppSources {
            argument: Some("from-argument"),
            flag: Some("from-flag"),
            variable: Some(&variable),
            ..in_dir(&dir)
        };
        let name = |sources: AppSources<'_>| resolve_app(&sources).unwrap().to_string();
        assert_eq!(name(all.clone()), "from-argument");
        assert_eq!(name(AppSources { argument: Some(""), ..all.clone() }), "from-flag");
        let all = AppSources { argument: None, flag: Some(""), ..all };
        assert_eq!(name(all.clone()), "from-variable");
        assert_eq!(name(AppSources { variable: None, ..all }), "from-file");
    }

    #[test]
    fn an_app_is_named_after_its_directory() {
        let home = Home::new();
        assert_eq!(home.app("harbor", None).unwrap(), "harbor");
        assert_eq!(home.app("harbor", Some("harbor")).unwrap(), "harbor");
        assert_eq!(home.app("harbor", Some("harbor/web")).unwrap(), "harbor");
        assert_eq!(home.app("harbor", Some("harbor/../lantern")).unwrap(), "lantern");
        assert_eq!(home.app("harbor", Some("missing")).unwrap(), "harbor");
    }

    #[test]
    fn the_file_of_the_deployed_directory_comes_first() {
        let home = Home::new();
        home.set_local("harbor", "from-harbor");
        assert_eq!(home.app("harbor", Some("lantern")).unwrap(), "from-harbor");
        home.set_local("lantern", "from-lantern");
        assert_eq!(home.app("harbor", Some("lantern")).unwrap(), "from-lantern");
    }

    #[test]
    fn an_app_is_named_after_a_symbolic_link_rather_than_its_target() {
        let home = Home::new();
        let (link, real) = (home.path("convox-guide"), home.path("harbor"));
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let sources = AppSources { pwd: Some(&link), ..in_dir(&real) };
        assert_eq!(resolve_app(&sources).unwrap().as_str(), "convox-guide");
    }

    #[test]
    fn an_invalid_name_is_refused_with_its_source() {
        let home = Home::new();
        fs::create_dir(home.path("my app")).unwrap();
        let error = home.app("my app", None).unwrap_err().to_string();
        assert!(error.starts_with("can't name an app after the directory "), "{error}");
        assert!(error.ends_with("my app"), "{error}");
        assert!(matches!(resolve_app(&in_dir(Path::new("/"))), Err(AppError::Directory(_))));
        home.set_local("harbor", "two words");
        let error = home.app("harbor", None).unwrap_err().to_string();
        assert!(error.contains("harbor/.convox/app: not an app name: "), "{error}");
        let dir = home.path("lantern");
        let sources = AppSources { flag: Some("a b"), ..in_dir(&dir) };
        assert!(matches!(resolve_app(&sources), Err(AppError::Name(_))));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let home = Home::new();
        fs::create_dir(home.path("harbor/.convox")).unwrap();
        let file = fs::File::create(home.path("harbor/.convox/app")).unwrap();
        file.set_len(3 << 30).unwrap();
        let error = home.app("harbor", None).unwrap_err();
        assert!(error.to_string().contains("harbor/.convox/app"), "{error}");
    }

    #[test]
    fn a_file_named_convox_is_ignored() {
        let home = Home::new();
        fs::write(home.path("harbor/.convox"), "console.convox.com\n").unwrap();
        assert_eq!(home.app("harbor", None).unwrap(), "harbor");
    }
}
