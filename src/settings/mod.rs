//! Settings: the environment, the settings directory, and what results from both.
//!
//! The environment is read once, by [`EnvVars::read`]. Files are read when a value in them is
//! needed, so a command pays only for what it uses.

pub mod app;
mod config_dir;
mod credentials;
mod current;
pub mod env_vars;
mod machines;
mod name_cache;
mod paths;
mod rack_cache;
mod racks;
mod style;
pub mod target;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use app::AppError;
pub(crate) use config_dir::read_small_file;
pub use config_dir::{ConfigDir, ConfigError, ConfigWriter, Remedy, replace_file};
pub use convox_client::fingerprint::{Fingerprint, InvalidFingerprint};
pub use convox_client::limits::Limits;
pub use convox_client::rack_url::{Credentials, InvalidRackUrl, RackUrl, Scheme};
pub use convox_client::secret::{ExposeSecret, Secret};
pub use credentials::{EmptySecret, trimmed_secret};
pub use current::{CurrentRack, RackKind};
pub use env_vars::{EnvVars, InvalidVariable};
pub use machines::{CachedMachines, NoMachine, match_machine};
pub use name_cache::Name;
pub use rack_cache::{CachedRack, ConsoleRacks, RackMeta};
pub use racks::{LocalForm, LocalRack};
pub use style::{BusyPolicy, DEFAULT_WAIT, Style, UnknownStyle, Wait};
pub use target::{Choice, Listed, NoMatch, Target, TargetError, match_configured, match_rack};

use convox_wire::{AppName, RackName};

/// The settings of one run in one working directory.
#[derive(Clone)]
pub struct Settings {
    /// The environment.
    pub env: EnvVars,
    /// The settings directory.
    pub config: ConfigDir,
    working_dir: Result<PathBuf, NoWorkingDir>,
    program: Option<PathBuf>,
    environment: Option<Environment>,
}

/// How the environment is read.
pub type Environment = Arc<dyn Fn(&str) -> Option<OsString>>;

/// The working directory doesn't exist or can't be read. Commands that don't use it don't need it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the working directory can't be used: {0}")]
pub struct NoWorkingDir(String);

/// Why the console can't be determined.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// A settings file can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The console's host is invalid.
    #[error("{from}: {why}")]
    Host {
        /// Where the host is set.
        from: &'static str,
        /// What is wrong with it.
        why: InvalidRackUrl,
    },
}

impl Settings {
    /// Returns the settings of a run in `working_dir`. No file is read yet.
    pub fn new(env: EnvVars, working_dir: io::Result<PathBuf>) -> Self {
        let working_dir = working_dir.map_err(|error| NoWorkingDir(error.to_string()));
        let path = paths::config_dir(&env);
        let config = match env.config {
            Some(_) => ConfigDir::new(path),
            None => ConfigDir::private(path),
        };
        Self { env, config, working_dir, program: None, environment: None }
    }

    /// Sets the path of this program, which is executed again as the development rack.
    #[must_use]
    pub fn with_program(self, program: Option<PathBuf>) -> Self {
        Self { program, ..self }
    }

    /// Sets how variables that a user names are looked up.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// Returns the secret in an environment variable that the user has named; `None` if it is not
    /// set or holds nothing but white space.
    pub fn secret_variable(&self, name: &str) -> Option<Secret> {
        let value = self.environment.as_ref()?(name)?;
        trimmed_secret(value.to_str()?).ok()
    }

    /// Prints debug lines if `debug` is set, as if by `CONVOX_DEBUG`.
    #[must_use]
    pub fn with_debug(mut self, debug: bool) -> Self {
        self.env.debug |= debug;
        self
    }

    /// Returns the directory for temporary files: `TMPDIR`, or /tmp.
    pub fn temp_dir(&self) -> PathBuf {
        self.env.tmpdir.clone().unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// Returns the path of this program, if known.
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// Returns the working directory.
    ///
    /// # Errors
    /// It doesn't exist or can't be read.
    pub fn working_dir(&self) -> Result<&Path, NoWorkingDir> {
        self.working_dir.as_deref().map_err(Clone::clone)
    }

    /// Resolves a path against the working directory.
    ///
    /// # Errors
    /// The path is relative, and the working directory doesn't exist or can't be read.
    pub fn path(&self, given: &Path) -> Result<PathBuf, NoWorkingDir> {
        if given.is_absolute() {
            return Ok(given.to_owned());
        }
        let here = self.working_dir()?;
        Ok(if given == Path::new(".") { here.to_owned() } else { here.join(given) })
    }

    /// Returns the time limits.
    pub fn limits(&self) -> &Limits {
        &self.env.limits
    }

    /// Returns the absolute path of the development rack's data directory; `None` if no home
    /// directory is known, or if the path is relative and the working directory is gone.
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.path(&paths::data_dir(&self.env)?).ok()
    }

    /// Returns the output style: `--style`, `CONVOX_STYLE`, or classic.
    pub fn style(&self, flag: Option<Style>) -> Style {
        flag.or(self.env.style).unwrap_or_default()
    }

    /// Returns the app: see [`app`]. `source` is the directory that is deployed or built.
    ///
    /// # Errors
    /// The app can't be determined.
    pub fn app(
        &self,
        argument: Option<&str>,
        flag: Option<&str>,
        source: Option<&Path>,
    ) -> Result<AppName, AppError> {
        let source = source.map(|source| self.path(source)).transpose()?;
        app::resolve_app(&app::AppSources {
            argument,
            flag,
            variable: self.env.app.as_ref(),
            working_dir: self.working_dir(),
            pwd: self.env.pwd.as_deref(),
            source: source.as_deref(),
        })
    }

    /// Returns the rack: see [`target`].
    ///
    /// # Errors
    /// The rack can't be determined.
    pub fn target(&self, flag: Option<&str>) -> Result<Target, TargetError> {
        let sources = target::RackSources {
            url: self.env.rack_url.as_ref(),
            flag,
            variable: self.env.rack.as_ref().map(RackName::as_str),
        };
        Target::resolve(&sources, || self.stored_rack_name(), || self.config.current())
    }

    /// Reads `.convox/rack` in the working directory, or the file `rack` of older clients.
    fn stored_rack_name(&self) -> Result<Option<String>, ConfigError> {
        let Ok(dir) = &self.working_dir else { return self.config.legacy_rack() };
        let path = dir.join(".convox/rack");
        let Some(name) = config_dir::read_text(&path)? else { return self.config.legacy_rack() };
        match name.parse::<RackName>() {
            Ok(_) => Ok(Some(name)),
            Err(why) => Err(ConfigError::Invalid {
                path,
                expected: "the name of a rack",
                why: why.to_string(),
                remedy: Remedy::RunAgain,
            }),
        }
    }

    /// Returns the console's host: `CONVOX_HOST`, or that of the last login.
    ///
    /// # Errors
    /// A settings file can't be read.
    pub fn console_host(&self) -> Result<Option<String>, ConfigError> {
        match &self.env.host {
            Some(host) => Ok(Some(host.clone())),
            None => self.config.console_host(),
        }
    }

    /// Returns the console with its token: `CONVOX_PASSWORD`, or the stored one. `None` if no
    /// console is known.
    ///
    /// # Errors
    /// A settings file can't be used, or the host is invalid.
    pub fn console(&self) -> Result<Option<RackUrl>, ConsoleError> {
        let Some(host) = self.console_host()? else { return Ok(None) };
        let password = match &self.env.password {
            Some(password) => Some(password.clone()),
            None => self.config.password(&host)?,
        };
        let from = match self.env.host {
            Some(_) => "CONVOX_HOST",
            None => "the console of the last login",
        };
        let console = RackUrl::for_host(self.console_scheme(), &host, password);
        console.map(Some).map_err(|why| ConsoleError::Host { from, why })
    }

    /// Returns https, or http if `X_DEV_ALLOW_HTTP` allows it.
    pub fn console_scheme(&self) -> Scheme {
        if self.env.allow_http { Scheme::Http } else { Scheme::Https }
    }
}

/// A settings directory for a test.
#[cfg(test)]
fn scratch() -> (tempfile::TempDir, ConfigDir) {
    let home = tempfile::tempdir().unwrap();
    let config = ConfigDir::new(Some(home.path().to_owned()));
    (home, config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::fs;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn settings(&self, pairs: &[(&str, &str)]) -> Settings {
            let home = self.0.path();
            let env = EnvVars::read(|name| {
                let set = pairs.iter().find(|(set, _)| *set == name);
                match name {
                    "HOME" => Some(home.into()),
                    "CONVOX_CONFIG" => Some(home.join("settings").into()),
                    _ => set.map(|(_, value)| OsString::from(value)),
                }
            });
            fs::create_dir_all(home.join("harbor")).unwrap();
            Settings::new(env.unwrap(), Ok(home.join("harbor")))
        }
    }

    #[test]
    fn a_local_rack_wins_over_the_legacy_file_and_the_current_rack() {
        let home = Home::new();
        home.write("settings/current", "{\"name\":\"acme/north\",\"type\":\"console\"}");
        let settings = home.settings(&[]);
        assert!(matches!(settings.target(None).unwrap(), Target::Current(_)));
        home.write("settings/rack", "old/rack\n");
        assert!(
            matches!(settings.target(None).unwrap(), Target::Named(name) if name == "old/rack")
        );
        home.write("harbor/.convox/rack", "beta\n");
        assert!(matches!(settings.target(None).unwrap(), Target::Named(name) if name == "beta"));
        home.write("harbor/.convox/rack", "password hunter2\n");
        let error = settings.target(None).unwrap_err().to_string();
        assert!(error.contains("harbor/.convox/rack is not the name of a rack"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_damaged_file_fails_only_when_it_is_needed() {
        let home = Home::new();
        home.write("settings/current", "{");
        assert!(home.settings(&[("CONVOX_RACK", "beta")]).target(None).is_ok());
        assert!(matches!(home.settings(&[]).target(None), Err(TargetError::Config(_))));
    }

    #[test]
    fn a_direct_rack_can_be_the_current_one() {
        let home = Home::new();
        let settings = home.settings(&[]);
        let beta = CurrentRack { name: "beta".into(), kind: RackKind::Direct };
        settings.config.writer().store_current(&beta).unwrap();
        assert!(matches!(settings.target(None).unwrap(), Target::Current(rack) if rack == beta));
    }

    #[test]
    fn the_console_gets_the_stored_token_or_that_of_the_environment() {
        let home = Home::new();
        home.write("settings/console", "127.0.0.1:5000");
        home.write("settings/auth", "{\"127.0.0.1:5000\": \"stored\"}");
        let token = |pairs| {
            let console = home.settings(pairs).console().unwrap().unwrap();
            let credentials = console.credentials().unwrap().clone();
            (console.base().to_owned(), credentials.password.expose_secret().to_owned())
        };
        let stored = ("https://127.0.0.1:5000".to_owned(), "stored".to_owned());
        assert_eq!(token(&[]), stored);
        let given = ("http://127.0.0.1:5000".to_owned(), "given".to_owned());
        assert_eq!(token(&[("CONVOX_PASSWORD", "given"), ("X_DEV_ALLOW_HTTP", "true")]), given);
    }

    #[test]
    fn a_console_without_a_login_has_no_token() {
        let home = Home::new();
        assert!(home.settings(&[]).console().unwrap().is_none());
        let console = home.settings(&[("CONVOX_HOST", "console.test")]).console();
        assert!(console.unwrap().unwrap().credentials().is_none());
    }

    #[test]
    fn an_invalid_console_host_is_refused() {
        let error = Home::new().settings(&[("CONVOX_HOST", "https://x")]).console().unwrap_err();
        assert!(error.to_string().starts_with("CONVOX_HOST: not a host name"), "{error}");
    }

    #[test]
    fn the_style_comes_from_the_flag_or_the_variable_or_is_classic() {
        let home = Home::new();
        assert_eq!(home.settings(&[]).style(None), Style::Classic);
        let settings = home.settings(&[("CONVOX_STYLE", "v3")]);
        assert_eq!(settings.style(None), Style::V3);
        assert_eq!(settings.style(Some(Style::Classic)), Style::Classic);
    }

    #[test]
    fn a_relative_source_is_resolved_against_the_working_directory() {
        let home = Home::new();
        home.write("lantern/convox.yml", "");
        let settings = home.settings(&[]);
        assert_eq!(
            settings.app(None, None, Some(Path::new("../lantern"))).unwrap().as_str(),
            "lantern"
        );
        assert_eq!(settings.app(None, None, Some(Path::new("."))).unwrap().as_str(), "harbor");
    }

    #[test]
    fn a_missing_working_directory_fails_only_where_it_is_needed() {
        let home = Home::new();
        home.write("settings/current", "{\"name\":\"acme/north\",\"type\":\"console\"}");
        let env = home.settings(&[("CONVOX_HOST", "console.test")]).env;
        let settings = Settings::new(env, Err(io::ErrorKind::NotFound.into()));
        assert!(matches!(settings.target(None).unwrap(), Target::Current(_)));
        assert!(settings.console().unwrap().is_some());
        assert_eq!(settings.app(Some("web"), None, None).unwrap().as_str(), "web");
        assert!(settings.path(Path::new("/srv/web")).is_ok());
        let error = settings.app(None, None, None).unwrap_err().to_string();
        assert!(error.starts_with("the working directory can't be used: "), "{error}");
    }
}
