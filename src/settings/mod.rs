//! What is set: the environment, the settings folder, and what follows from them together.
//!
//! The environment is read once, by [`EnvVars::read`]. ConfigDir are read when a value from them is
//! asked for, so that a command costs no more than it uses.

pub mod app;
mod credentials;
mod current;
mod files;

mod paths;

mod racks;
mod style;
pub mod target;
pub mod variables;

use std::path::{Path, PathBuf};

pub use app::AppError;
pub use convox_client::fingerprint::{Fingerprint, InvalidFingerprint};
pub use convox_client::limits::Limits;
pub use convox_client::rack_url::{Credentials, InvalidRackUrl, RackUrl, Scheme};
pub use convox_client::secret::{ExposeSecret, Secret};
pub use current::{CurrentRack, RackKind};
pub use files::{ConfigDir, FilesError};
pub use racks::{LocalForm, LocalRack, RackMeta};
pub use style::{BusyPolicy, DEFAULT_WAIT, Style, UnknownStyle, Wait};
pub use target::{Choice, NoMatch, Target, TargetError, match_rack, matching};
pub use variables::{EnvVars, InvalidVariable};

use convox_wire::AppName;

/// Everything that is set, for one run in one working folder.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The environment.
    pub env: EnvVars,
    /// The settings folder.
    pub config: ConfigDir,
    folder: PathBuf,
    program: Option<PathBuf>,
}

/// A console cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// A settings file cannot be used.
    #[error(transparent)]
    ConfigDir(#[from] FilesError),
    /// The console's host is none.
    #[error("{from}: {why}")]
    Host {
        /// Where the host was set.
        from: &'static str,
        /// What is wrong with it.
        why: InvalidRackUrl,
    },
}

impl Settings {
    /// The settings of a run in the working folder `folder`. Reads nothing yet.
    pub fn new(env: EnvVars, folder: PathBuf) -> Self {
        let path = paths::settings_folder(&env);
        let config = match env.config {
            Some(_) => ConfigDir::new(path),
            None => ConfigDir::private(path),
        };
        Self { env, config, folder, program: None }
    }

    /// Says which program this is; it is started again as the development rack.
    #[must_use]
    pub fn with_program(self, program: Option<PathBuf>) -> Self {
        Self { program, ..self }
    }

    /// Prints debug lines, if `debug` asks for it beside CONVOX_DEBUG.
    #[must_use]
    pub fn with_debug(mut self, debug: bool) -> Self {
        self.env.debug |= debug;
        self
    }

    /// This program, where known.
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The working folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Time limits.
    pub fn limits(&self) -> &Limits {
        &self.env.limits
    }

    /// The development rack's data folder; `None` where no home folder is known.
    pub fn data_folder(&self) -> Option<PathBuf> {
        paths::data_folder(&self.env)
    }

    /// The output style: `--style`, CONVOX_STYLE, or classic.
    pub fn style(&self, flag: Option<Style>) -> Style {
        flag.or(self.env.style).unwrap_or_default()
    }

    /// The app: see [`app`]. `source` is the folder that is deployed or built.
    ///
    /// # Errors
    /// No app can be told.
    pub fn app(
        &self,
        argument: Option<&str>,
        flag: Option<&str>,
        source: Option<&Path>,
    ) -> Result<AppName, AppError> {
        let source = source.map(|source| self.folder.join(source));
        app::app_of(&app::AppSources {
            argument,
            flag,
            variable: self.env.app.as_ref(),
            folder: &self.folder,
            pwd: self.env.pwd.as_deref(),
            source: source.as_deref(),
        })
    }

    /// The rack: see [`target`].
    ///
    /// # Errors
    /// No rack can be told.
    pub fn target(&self, flag: Option<&str>) -> Result<Target, TargetError> {
        let sources = target::RackSources {
            url: self.env.rack_url.as_ref(),
            flag,
            variable: self.env.rack.as_deref(),
        };
        Target::decide(&sources, || self.stored_rack_name(), || self.config.current())
    }

    /// `.convox/rack` of the working folder, else the file `rack` of older clients.
    fn stored_rack_name(&self) -> Result<Option<String>, FilesError> {
        match files::read_text(&self.folder.join(".convox/rack"))? {
            Some(name) => Ok(Some(name)),
            None => self.config.legacy_rack(),
        }
    }

    /// The console's host: CONVOX_HOST, else that of the last login.
    ///
    /// # Errors
    /// A settings file that cannot be read.
    pub fn console_host(&self) -> Result<Option<String>, FilesError> {
        match &self.env.host {
            Some(host) => Ok(Some(host.clone())),
            None => self.config.console_host(),
        }
    }

    /// The console with its token: CONVOX_PASSWORD, else the stored one. `None` where no console
    /// is known.
    ///
    /// # Errors
    /// A settings file that cannot be used, or a host that is none.
    pub fn console(&self) -> Result<Option<RackUrl>, ConsoleError> {
        let Some(host) = self.console_host()? else { return Ok(None) };
        let password = match &self.env.password {
            Some(password) => Some(password.clone()),
            None => self.config.password(&host)?,
        };
        let from = match self.env.host {
            Some(_) => "CONVOX_HOST",
            None => "the console of the last login (run `convox login` again)",
        };
        let console = RackUrl::for_host(self.console_scheme(), &host, password);
        console.map(Some).map_err(|why| ConsoleError::Host { from, why })
    }

    /// https, unless X_DEV_ALLOW_HTTP allows http for consoles.
    pub fn console_scheme(&self) -> Scheme {
        if self.env.allow_http { Scheme::Http } else { Scheme::Https }
    }
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
            let variables = EnvVars::read(|name| {
                let set = pairs.iter().find(|(set, _)| *set == name);
                match name {
                    "HOME" => Some(home.into()),
                    "CONVOX_CONFIG" => Some(home.join("settings").into()),
                    _ => set.map(|(_, value)| OsString::from(value)),
                }
            });
            fs::create_dir_all(home.join("harbor")).unwrap();
            Settings::new(variables.unwrap(), home.join("harbor"))
        }
    }

    #[test]
    fn a_local_rack_beats_the_older_clients_file_and_the_chosen_rack() {
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
    }

    #[test]
    fn a_damaged_file_that_does_not_count_is_not_looked_at() {
        let home = Home::new();
        home.write("settings/current", "{");
        assert!(home.settings(&[("CONVOX_RACK", "beta")]).target(None).is_ok());
        assert!(matches!(home.settings(&[]).target(None), Err(TargetError::ConfigDir(_))));
    }

    #[test]
    fn a_chosen_direct_rack_stays_chosen() {
        let home = Home::new();
        let settings = home.settings(&[]);
        let beta = CurrentRack { name: "beta".into(), kind: RackKind::Direct };
        settings.config.store_current(&beta).unwrap();
        assert!(matches!(settings.target(None).unwrap(), Target::Current(rack) if rack == beta));
    }

    #[test]
    fn the_console_has_the_stored_token_or_that_of_the_environment() {
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
    fn a_console_that_was_never_logged_in_to_has_no_token() {
        let home = Home::new();
        assert!(home.settings(&[]).console().unwrap().is_none());
        let console = home.settings(&[("CONVOX_HOST", "console.test")]).console();
        assert!(console.unwrap().unwrap().credentials().is_none());
    }

    #[test]
    fn a_console_that_is_no_host_is_refused() {
        let error = Home::new().settings(&[("CONVOX_HOST", "https://x")]).console().unwrap_err();
        assert!(error.to_string().starts_with("CONVOX_HOST: not a host name"), "{error}");
    }

    #[test]
    fn the_style_is_the_flags_or_the_variables_or_classic() {
        let home = Home::new();
        assert_eq!(home.settings(&[]).style(None), Style::Classic);
        let settings = home.settings(&[("CONVOX_STYLE", "v3")]);
        assert_eq!(settings.style(None), Style::V3);
        assert_eq!(settings.style(Some(Style::Classic)), Style::Classic);
    }

    #[test]
    fn the_app_of_a_relative_folder_is_found_from_the_working_folder() {
        let home = Home::new();
        home.write("lantern/convox.yml", "");
        let settings = home.settings(&[]);
        assert_eq!(
            settings.app(None, None, Some(Path::new("../lantern"))).unwrap().as_str(),
            "lantern"
        );
        assert_eq!(settings.app(None, None, Some(Path::new("."))).unwrap().as_str(), "harbor");
    }
}
