//! The environment variables, all read once at startup and passed on as values.
//!
//! The exceptions are those that libraries read by themselves: `HTTP_PROXY`, `HTTPS_PROXY`,
//! `ALL_PROXY` and `NO_PROXY` (convox-client), `SSL_CERT_FILE` and `SSL_CERT_DIR`
//! (rustls-native-certs), and what git and terraform read in their own processes.

mod list;
mod reader;

use std::ffi::OsString;
use std::path::PathBuf;

pub use list::{ALL, BUILD_VARIABLES, LIBRARIES, UNDOCUMENTED, UsedBy, Variable};
use reader::Reader;

use super::Style;
use convox_client::RackUrl;
use convox_client::fingerprint::Fingerprint;
use convox_client::limits::Limits;
use convox_client::secret::Secret;
use convox_wire::{AppName, MachineName, RackName};

/// The values of the environment variables. An empty or blank variable counts as unset.
#[derive(Debug, Clone, Default)]
pub struct EnvVars {
    /// `RACK_URL`: the rack to use, whatever else is configured.
    pub rack_url: Option<RackUrl>,
    /// `CONVOX_RACK`: the rack if `--rack` is not given.
    pub rack: Option<RackName>,
    /// `CONVOX_MACHINE`: the machine if `--machine` is not given.
    pub machine: Option<MachineName>,
    /// `CONVOX_APP`: the app if neither an argument nor `--app` names one.
    pub app: Option<AppName>,
    /// `CONVOX_HOST`: the console's host, or host and port.
    pub host: Option<String>,
    /// `CONVOX_PASSWORD`: the console's password, instead of the stored one.
    pub password: Option<Secret>,
    /// `CONVOX_TOKEN`: the token for `login`.
    pub token: Option<Secret>,
    /// `CONVOX_CONFIG`: the settings directory.
    pub config: Option<PathBuf>,
    /// `CONVOX_DATA`: the development rack's data directory.
    pub data: Option<PathBuf>,
    /// `CONVOX_ACTOR`: the name of the acting user in a rack's audit log.
    pub actor: Option<String>,
    /// `USER`, or else `USERNAME`: who changes a budget, without `CONVOX_ACTOR`.
    pub user: Option<String>,
    /// `CONVOX_DEBUG`: print a line on stderr for each request and socket.
    pub debug: bool,
    /// `CONVOX_STYLE`: the output style if `--style` is not given.
    pub style: Option<Style>,
    /// `CONVOX_WAIT`: apply `--wait` to every command that has it.
    pub wait: bool,
    /// `CONVOX_CA_CERT`: a PEM file of certificate authorities to trust besides the system's.
    pub ca_cert: Option<PathBuf>,
    /// `CONVOX_TRUST`: the fingerprint of a certificate to trust.
    pub trust: Option<Fingerprint>,
    /// `CONVOX_RETRY` and the time limits.
    pub limits: Limits,
    /// `XDG_CONFIG_HOME`: the parent of the settings directory, if absolute.
    pub xdg_config_home: Option<PathBuf>,
    /// `XDG_DATA_HOME`: the parent of the data directory, if absolute.
    pub xdg_data_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `PWD`: the working directory as the shell spells it, with symbolic links.
    pub pwd: Option<PathBuf>,
    /// `X_DEV_ALLOW_HTTP`: reach the console over plain HTTP.
    pub allow_http: bool,
    /// `TEST`: if exactly `true`, builds are sent without a git commit.
    pub test: bool,
    /// `NO_COLOR`: set and not empty.
    pub no_color: bool,
    /// `TERM`.
    pub term: Option<String>,
    /// `VISUAL`, or else `EDITOR`: the program that edits text, a line for a shell.
    pub editor: Option<OsString>,
    /// `PAGER`: the program that shows manual pages, a line for a shell.
    pub pager: Option<OsString>,
    /// `PATH`, passed to the processes of the development rack.
    pub path: Option<OsString>,
    /// `BROWSER`: the program that shows a web page.
    pub browser: Option<OsString>,
    /// `LANG`, passed to the processes of the development rack.
    pub lang: Option<OsString>,
    /// `TMPDIR`, for temporary files; passed to the processes of the development rack.
    pub tmpdir: Option<PathBuf>,
    /// The variables of [`BUILD_VARIABLES`] that are set, passed to the build steps of the
    /// development rack.
    pub build: Vec<(String, OsString)>,
}

/// A variable with an invalid value. The message never repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct InvalidVariable {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with the value, and what a valid one looks like.
    pub why: String,
}

impl EnvVars {
    /// Reads all variables through `lookup`, each of them once.
    ///
    /// # Errors
    /// A variable has an invalid value; the first such variable is reported.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, InvalidVariable> {
        let reader = Reader { lookup };
        Ok(Self {
            rack_url: reader.parsed("RACK_URL")?,
            rack: reader.parsed("CONVOX_RACK")?,
            machine: reader.parsed("CONVOX_MACHINE")?,
            app: reader.parsed("CONVOX_APP")?,
            host: reader.text("CONVOX_HOST")?,
            password: reader.secret("CONVOX_PASSWORD")?,
            token: reader.secret("CONVOX_TOKEN")?,
            config: reader.path("CONVOX_CONFIG"),
            data: reader.path("CONVOX_DATA"),
            actor: reader.text("CONVOX_ACTOR")?,
            user: match reader.text("USER")? {
                Some(user) => Some(user),
                None => reader.text("USERNAME")?,
            },
            debug: reader.bool("CONVOX_DEBUG")?,
            style: reader.parsed("CONVOX_STYLE")?,
            wait: reader.bool("CONVOX_WAIT")?,
            ca_cert: reader.path("CONVOX_CA_CERT"),
            trust: reader.parsed("CONVOX_TRUST")?,
            limits: reader.limits()?,
            xdg_config_home: reader.path("XDG_CONFIG_HOME"),
            xdg_data_home: reader.path("XDG_DATA_HOME"),
            home: reader.path("HOME"),
            pwd: reader.path("PWD"),
            allow_http: reader.raw("X_DEV_ALLOW_HTTP").is_some_and(|value| value == "true"),
            test: reader.raw("TEST").is_some_and(|value| value == "true"),
            no_color: reader.raw("NO_COLOR").is_some(),
            term: reader.text("TERM")?,
            browser: reader.raw("BROWSER"),
            editor: reader.raw("VISUAL").or_else(|| reader.raw("EDITOR")),
            pager: reader.raw("PAGER"),
            path: reader.raw("PATH"),
            lang: reader.raw("LANG"),
            tmpdir: reader.path("TMPDIR"),
            build: BUILD_VARIABLES
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), reader.raw(name)?)))
                .collect(),
        })
    }
}

impl InvalidVariable {
    fn new(name: &'static str, why: &dyn std::fmt::Display) -> Self {
        Self { name, why: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convox_client::secret::ExposeSecret;
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::os::unix::ffi::OsStringExt;
    use std::time::Duration;

    fn read(pairs: &[(&str, &str)]) -> Result<EnvVars, InvalidVariable> {
        let pairs: BTreeMap<_, _> = pairs.iter().copied().collect();
        EnvVars::read(|name| pairs.get(name).map(OsString::from))
    }

    #[test]
    fn the_lists_contain_each_variable_that_is_read() {
        let read = RefCell::new(Vec::new());
        EnvVars::read(|name| {
            read.borrow_mut().push(name.to_owned());
            None
        })
        .unwrap();
        let mut read = read.into_inner();
        read.sort();
        let documented = ALL.iter().map(|variable| variable.name);
        let others = UNDOCUMENTED.iter().chain(&BUILD_VARIABLES).copied();
        let mut listed: Vec<_> = documented.chain(others).collect();
        listed.sort_unstable();
        assert_eq!(read, listed);
    }

    #[test]
    fn an_empty_environment_yields_the_defaults() {
        let env = read(&[("RACK_URL", "  "), ("CONVOX_WAIT", ""), ("NO_COLOR", "")]).unwrap();
        assert!(env.rack_url.is_none() && !env.wait && !env.no_color);
        assert_eq!(env.limits, Limits::default());
    }

    #[test]
    fn values_are_parsed() {
        let env = read(&[
            ("RACK_URL", " https://convox:pw@host \n"),
            ("CONVOX_WAIT", "True"),
            ("CONVOX_DEBUG", "0"),
            ("CONVOX_STYLE", "v3"),
            ("CONVOX_READ_TIMEOUT", "500ms"),
            ("CONVOX_LOOK_TIME", "0"),
            ("TEST", "yes"),
            ("X_DEV_ALLOW_HTTP", "true"),
        ])
        .unwrap();
        assert_eq!(env.rack_url.unwrap().base(), "https://host");
        assert!(env.wait && !env.debug && !env.test && env.allow_http);
        assert_eq!(env.style, Some(Style::V3));
        assert_eq!(env.limits.response, Duration::from_millis(500));
        assert_eq!(env.limits.reconcile, Duration::ZERO);
    }

    #[test]
    fn the_retry_budget_is_given_in_seconds() {
        for (text, budget) in [("0", 0), ("5", 5_000), ("1.5s", 1_500), ("", 60_000)] {
            let env = read(&[("CONVOX_RETRY", text)]).unwrap();
            assert_eq!(env.limits.retry, Duration::from_millis(budget), "{text}");
        }
    }

    #[test]
    fn an_invalid_value_is_reported_with_a_valid_example() {
        for (name, value, expected) in [
            ("RACK_URL", "rack.example.com", "https://convox:PASSWORD@"),
            ("CONVOX_APP", "my app", "for example convox-guide"),
            ("CONVOX_STYLE", "fancy", "classic or v3"),
            ("CONVOX_WAIT", "foo", "1, true, 0 or false"),
            ("CONVOX_RETRY", "-1", "for example 60"),
            ("CONVOX_RETRY", "soon", "for example 60"),
            ("CONVOX_TRUST", "abcd", "64 hexadecimal digits"),
            ("CONVOX_STALL_TIMEOUT", "10", "for example 90s"),
            ("CONVOX_CONNECT_TIMEOUT", "0s", "for example 500ms"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_invalid_value_is_never_repeated() {
        for name in [
            "RACK_URL",
            "CONVOX_APP",
            "CONVOX_RACK",
            "CONVOX_STYLE",
            "CONVOX_WAIT",
            "CONVOX_RETRY",
            "CONVOX_TRUST",
            "CONVOX_READ_TIMEOUT",
        ] {
            let error = read(&[(name, "hunter2 of another variable")]).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let env = read(&[("CONVOX_PASSWORD", " hunter2 ")]).unwrap();
        assert!(!format!("{env:?}").contains("hunter2"));
        let error = read(&[("RACK_URL", "convox:hunter2@host")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn secrets_are_trimmed_and_blank_ones_refused() {
        let env = read(&[("CONVOX_PASSWORD", "pw\n"), ("CONVOX_TOKEN", "  abc\r\n")]).unwrap();
        assert_eq!(env.password.unwrap().expose_secret(), "pw");
        assert_eq!(env.token.unwrap().expose_secret(), "abc");
        let error = read(&[("CONVOX_TOKEN", " \n")]).unwrap_err().to_string();
        assert_eq!(error, "CONVOX_TOKEN: the value is empty");
        assert!(read(&[("CONVOX_TOKEN", "")]).unwrap().token.is_none());
    }

    #[test]
    fn values_must_be_utf_8_except_paths() {
        let lookup = |name: &str| (name == "CONVOX_RACK").then(|| OsString::from_vec(vec![0xff]));
        assert!(EnvVars::read(lookup).unwrap_err().to_string().starts_with("CONVOX_RACK: "));
        let lookup = |name: &str| (name == "HOME").then(|| OsString::from_vec(vec![0xff]));
        assert!(EnvVars::read(lookup).unwrap().home.is_some());
    }
}
