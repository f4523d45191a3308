//! Which app a command is about.
//!
//! The first of: the argument, `--app`, `CONVOX_APP`, the file `.convox/app`, and the name of the
//! folder. For `deploy` and `build` of another folder that folder's own `.convox/app` comes before
//! the working folder's. By name the working folder counts, also for a folder inside it (which is
//! a part of the app, as 3.x clients see it); a folder elsewhere counts by its own name, as
//! classic clients see it.

use std::path::{Path, PathBuf};

use super::files::{FilesError, read_text};
use super::paths::as_spelled;
use convox_wire::{AppName, InvalidName};

/// What may name the app, the strongest first.
#[derive(Debug, Clone)]
pub struct AppSources<'a> {
    /// The argument of commands that take the app's name; empty counts as not given.
    pub argument: Option<&'a str>,
    /// `--app`; empty counts as not given.
    pub flag: Option<&'a str>,
    /// `CONVOX_APP`.
    pub variable: Option<&'a AppName>,
    /// The working folder.
    pub folder: &'a Path,
    /// How the shell spells it.
    pub pwd: Option<&'a Path>,
    /// The folder that is deployed or built, where it may be another.
    pub source: Option<&'a Path>,
}

/// No app can be told.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The name that was given cannot be one.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The file `.convox/app` holds something else.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        why: InvalidName,
    },
    /// The folder's name cannot be an app's.
    #[error("the folder {} has no name that an app could have: give one with --app", .0.display())]
    Folder(PathBuf),
    /// The file `.convox/app` cannot be read.
    #[error(transparent)]
    ConfigDir(#[from] FilesError),
}

/// Decides by the rules above.
///
/// # Errors
/// A name that cannot be an app's, a file `.convox/app` that cannot be used, or a folder that
/// cannot give its name.
pub fn app_of(sources: &AppSources<'_>) -> Result<AppName, AppError> {
    let given = [sources.argument, sources.flag];
    if let Some(name) = given.into_iter().flatten().find(|name| !name.is_empty()) {
        return Ok(name.parse()?);
    }
    if let Some(name) = sources.variable {
        return Ok(name.clone());
    }
    for folder in sources.source.into_iter().chain([sources.folder]) {
        if let Some(name) = local_app(folder)? {
            return Ok(name);
        }
    }
    named_after_folder(sources)
}

/// The name in `.convox/app` of a folder.
fn local_app(folder: &Path) -> Result<Option<AppName>, AppError> {
    let path = folder.join(".convox/app");
    let Some(text) = read_text(&path)? else { return Ok(None) };
    text.parse().map(Some).map_err(|why| AppError::File { path, why })
}

fn named_after_folder(sources: &AppSources<'_>) -> Result<AppName, AppError> {
    let folder = match sources.source {
        Some(source) if is_elsewhere(source, sources.folder) => {
            std::fs::canonicalize(source).unwrap_or_else(|_| source.to_owned())
        }
        _ => as_spelled(sources.folder, sources.pwd),
    };
    let name = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    name.ok_or(AppError::Folder(folder))
}

/// Whether `source` is neither `folder` nor inside it. One that is missing is taken for inside:
/// the command will say that it is missing.
fn is_elsewhere(source: &Path, folder: &Path) -> bool {
    match (std::fs::canonicalize(source), std::fs::canonicalize(folder)) {
        (Ok(source), Ok(folder)) => !source.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A home with two apps side by side, `harbor` (with a folder `web`) and `lantern`.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            for folder in ["harbor/web", "lantern"] {
                fs::create_dir_all(home.path(folder)).unwrap();
            }
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn set_local(&self, folder: &str, name: &str) {
            fs::create_dir_all(self.path(folder).join(".convox")).unwrap();
            fs::write(self.path(folder).join(".convox/app"), name).unwrap();
        }

        fn app(&self, folder: &str, source: Option<&str>) -> Result<String, AppError> {
            let (folder, source) = (self.path(folder), source.map(|source| self.path(source)));
            let sources = AppSources { source: source.as_deref(), ..in_folder(&folder) };
            app_of(&sources).map(|app| app.to_string())
        }
    }

    fn in_folder(folder: &Path) -> AppSources<'_> {
        AppSources { argument: None, flag: None, variable: None, folder, pwd: None, source: None }
    }

    #[test]
    fn the_argument_beats_the_flag_and_that_the_variable_and_that_the_file() {
        let home = Home::new();
        home.set_local("harbor", "from-file\n");
        let (folder, variable) = (home.path("harbor"), "from-variable".parse().unwrap());
        let all = AppSources {
            argument: Some("from-argument"),
            flag: Some("from-flag"),
            variable: Some(&variable),
            ..in_folder(&folder)
        };
        let name = |sources: AppSources<'_>| app_of(&sources).unwrap().to_string();
        assert_eq!(name(all.clone()), "from-argument");
        assert_eq!(name(AppSources { argument: Some(""), ..all.clone() }), "from-flag");
        let all = AppSources { argument: None, flag: Some(""), ..all };
        assert_eq!(name(all.clone()), "from-variable");
        assert_eq!(name(AppSources { variable: None, ..all }), "from-file");
    }

    #[test]
    fn a_folder_gives_its_name() {
        let home = Home::new();
        assert_eq!(home.app("harbor", None).unwrap(), "harbor");
        assert_eq!(home.app("harbor", Some("harbor")).unwrap(), "harbor");
        assert_eq!(home.app("harbor", Some("harbor/web")).unwrap(), "harbor");
        assert_eq!(home.app("harbor", Some("harbor/../lantern")).unwrap(), "lantern");
        assert_eq!(home.app("harbor", Some("missing")).unwrap(), "harbor");
    }

    #[test]
    fn the_deployed_folders_own_file_comes_first() {
        let home = Home::new();
        home.set_local("harbor", "from-harbor");
        assert_eq!(home.app("harbor", Some("lantern")).unwrap(), "from-harbor");
        home.set_local("lantern", "from-lantern");
        assert_eq!(home.app("harbor", Some("lantern")).unwrap(), "from-lantern");
    }

    #[test]
    fn a_link_gives_its_own_name() {
        let home = Home::new();
        let (link, real) = (home.path("convox-guide"), home.path("harbor"));
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let sources = AppSources { pwd: Some(&link), ..in_folder(&real) };
        assert_eq!(app_of(&sources).unwrap().as_str(), "convox-guide");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_with_its_source() {
        let home = Home::new();
        fs::create_dir(home.path("my app")).unwrap();
        let error = home.app("my app", None).unwrap_err().to_string();
        assert!(error.ends_with("my app has no name that an app could have: give one with --app"));
        assert!(matches!(app_of(&in_folder(Path::new("/"))), Err(AppError::Folder(_))));
        home.set_local("harbor", "two words");
        let error = home.app("harbor", None).unwrap_err().to_string();
        assert!(error.contains("harbor/.convox/app: \"two words\" is not an app name"), "{error}");
        let folder = home.path("lantern");
        let sources = AppSources { flag: Some("a b"), ..in_folder(&folder) };
        assert!(matches!(app_of(&sources), Err(AppError::Name(_))));
    }

    #[test]
    fn a_file_in_place_of_the_local_folder_is_no_setting() {
        let home = Home::new();
        fs::write(home.path("harbor/.convox"), "console.convox.com\n").unwrap();
        assert_eq!(home.app("harbor", None).unwrap(), "harbor");
    }
}
