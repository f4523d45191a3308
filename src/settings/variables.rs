//! Every environment variable, read once at the start and passed from then on.
//!
//! Not here, because the libraries that use them cannot be handed a value: `HTTP_PROXY`,
//! `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` (reqwest), `SSL_CERT_FILE` and `SSL_CERT_DIR`
//! (rustls-native-certs), and what git and terraform read in their own processes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::style::Style;
use convox_client::RackUrl;
use convox_client::fingerprint::Fingerprint;
use convox_client::limits::Limits;
use convox_client::secret::Secret;
use convox_wire::AppName;
use convox_wire::duration::GoDuration;

/// What the environment says. An empty or blank variable counts as unset.
#[derive(Debug, Clone, Default)]
pub struct EnvVars {
    /// `RACK_URL`: this rack, whatever else is configured.
    pub rack_url: Option<RackUrl>,
    /// `CONVOX_RACK`: the rack where `--rack` is not given.
    pub rack: Option<String>,
    /// `CONVOX_APP`: the app where neither an argument nor `--app` names one.
    pub app: Option<AppName>,
    /// `CONVOX_HOST`: the console's host, or host and port.
    pub host: Option<String>,
    /// `CONVOX_PASSWORD`: the console's password, before the stored one.
    pub password: Option<Secret>,
    /// `CONVOX_TOKEN`: the token for `login`.
    pub token: Option<Secret>,
    /// `CONVOX_CONFIG`: the settings folder.
    pub config: Option<PathBuf>,
    /// `CONVOX_DATA`: the development rack's data folder.
    pub data: Option<PathBuf>,
    /// `CONVOX_ACTOR`: who acts, for a rack's audit log.
    pub actor: Option<String>,
    /// `CONVOX_DEBUG`: a line on stderr for each request and socket.
    pub debug: bool,
    /// `CONVOX_STYLE`: the output style where `--style` is not given.
    pub style: Option<Style>,
    /// `CONVOX_WAIT`: as if `--wait` were given wherever it exists.
    pub wait: bool,
    /// `CONVOX_CA_CERT`: a PEM file of authorities trusted beside the system's.
    pub ca_cert: Option<PathBuf>,
    /// `CONVOX_TRUST`: the fingerprint of a certificate to trust.
    pub trust: Option<Fingerprint>,
    /// `CONVOX_RETRY` and the time limits.
    pub limits: Limits,
    /// `XDG_CONFIG_HOME`: where the settings folder is, if absolute.
    pub xdg_config_home: Option<PathBuf>,
    /// `XDG_DATA_HOME`: where the development rack's data folder is, if absolute.
    pub xdg_data_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `PWD`: the working folder as the shell spells it, symbolic links kept.
    pub pwd: Option<PathBuf>,
    /// `X_DEV_ALLOW_HTTP`: reach the console over plain HTTP.
    pub allow_http: bool,
    /// `TEST` is exactly `true`: no git commit is sent with a build.
    pub test: bool,
    /// `NO_COLOR`: set to anything but nothing.
    pub no_color: bool,
    /// `TERM`.
    pub term: Option<String>,
    /// `PATH`, for what the development rack starts.
    pub path: Option<OsString>,
    /// `LANG`, for what the development rack starts.
    pub lang: Option<OsString>,
    /// `TMPDIR`, for temporary files and what the development rack starts.
    pub tmpdir: Option<PathBuf>,
}

/// A variable's name and what it does, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name in the environment.
    pub name: &'static str,
    /// What it does, with its default, in one sentence.
    pub what: &'static str,
}

/// A variable whose value cannot be used. The values of secrets are not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct InvalidVariable {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with the value, and what a good one looks like.
    pub why: String,
}

impl EnvVars {
    /// Reads them all through `lookup`, each once.
    ///
    /// # Errors
    /// The first variable whose value cannot be used.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, InvalidVariable> {
        let read = Reader { lookup };
        Ok(Self {
            rack_url: read.parsed("RACK_URL")?,
            rack: read.text("CONVOX_RACK")?,
            app: read.parsed("CONVOX_APP")?,
            host: read.text("CONVOX_HOST")?,
            password: read.secret("CONVOX_PASSWORD")?,
            token: read.secret("CONVOX_TOKEN")?,
            config: read.path("CONVOX_CONFIG"),
            data: read.path("CONVOX_DATA"),
            actor: read.text("CONVOX_ACTOR")?,
            debug: read.switch("CONVOX_DEBUG")?,
            style: read.parsed("CONVOX_STYLE")?,
            wait: read.switch("CONVOX_WAIT")?,
            ca_cert: read.path("CONVOX_CA_CERT"),
            trust: read.parsed("CONVOX_TRUST")?,
            limits: read.limits()?,
            xdg_config_home: read.path("XDG_CONFIG_HOME"),
            xdg_data_home: read.path("XDG_DATA_HOME"),
            home: read.path("HOME"),
            pwd: read.path("PWD"),
            allow_http: read.raw("X_DEV_ALLOW_HTTP").is_some_and(|value| value == "true"),
            test: read.raw("TEST").is_some_and(|value| value == "true"),
            no_color: read.raw("NO_COLOR").is_some(),
            term: read.text("TERM")?,
            path: read.raw("PATH"),
            lang: read.raw("LANG"),
            tmpdir: read.path("TMPDIR"),
        })
    }
}

/// Turns values into types, naming the variable where that fails.
struct Reader<F> {
    lookup: F,
}

impl<F: Fn(&str) -> Option<OsString>> Reader<F> {
    fn raw(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    fn value(&self, name: &'static str) -> Result<Option<String>, InvalidVariable> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let text = value
            .into_string()
            .map_err(|_| InvalidVariable { name, why: "not a text in UTF-8".to_owned() })?;
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, InvalidVariable> {
        Ok(self.value(name)?.map(|text| text.trim().to_owned()))
    }

    fn secret(&self, name: &'static str) -> Result<Option<Secret>, InvalidVariable> {
        Ok(self.value(name)?.map(Secret::from))
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, InvalidVariable>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let value = text.parse().map_err(|why: T::Err| InvalidVariable::new(name, &why))?;
        Ok(Some(value))
    }

    /// `true`, `1`, `false` or `0`, as classic clients take them.
    fn switch(&self, name: &'static str) -> Result<bool, InvalidVariable> {
        let Some(text) = self.text(name)? else { return Ok(false) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => {
                let why = format!("{text:?} is not a switch: 1, true, 0 or false is expected");
                Err(InvalidVariable { name, why })
            }
        }
    }

    fn limits(&self) -> Result<Limits, InvalidVariable> {
        let usual = Limits::default();
        Ok(Limits {
            connect: self.limit("CONVOX_CONNECT_TIMEOUT", usual.connect)?,
            answer: self.limit("CONVOX_READ_TIMEOUT", usual.answer)?,
            long_answer: self.limit("CONVOX_CHANGE_TIMEOUT", usual.long_answer)?,
            stall: self.limit("CONVOX_STALL_TIMEOUT", usual.stall)?,
            ping: self.limit("CONVOX_PING_INTERVAL", usual.ping)?,
            half_open: self.limit("CONVOX_SOCKET_TIMEOUT", usual.half_open)?,
            reconcile: self.span("CONVOX_LOOK_TIME", usual.reconcile)?,
            first_contact: self.span("CONVOX_FIRST_CONTACT_TIME", usual.first_contact)?,
            retry: self.seconds("CONVOX_RETRY", usual.retry)?,
            log_grace: self.span("CONVOX_LOG_GRACE", usual.log_grace)?,
            poll: self.limit("CONVOX_POLL_INTERVAL", usual.poll)?,
        })
    }

    /// A duration that may be zero.
    fn span(&self, name: &'static str, usual: Duration) -> Result<Duration, InvalidVariable> {
        let span: Option<GoDuration> = self.parsed(name)?;
        Ok(span.map_or(usual, |span| span.0))
    }

    /// A duration that would make everything fail if it were zero.
    fn limit(&self, name: &'static str, usual: Duration) -> Result<Duration, InvalidVariable> {
        let limit = self.span(name, usual)?;
        if limit.is_zero() {
            return Err(InvalidVariable::new(
                name,
                &"a time limit of zero: more is expected, for example 500ms or 10s",
            ));
        }
        Ok(limit)
    }

    /// Whole seconds; a duration with a unit is taken too.
    fn seconds(&self, name: &'static str, usual: Duration) -> Result<Duration, InvalidVariable> {
        let Some(text) = self.text(name)? else { return Ok(usual) };
        if let Ok(seconds) = text.parse::<u32>() {
            return Ok(Duration::from_secs(seconds.into()));
        }
        match text.parse::<GoDuration>() {
            Ok(span) => Ok(span.0),
            Err(_) => {
                let why = format!("{text:?} is not a time: seconds are expected, for example 60");
                Err(InvalidVariable { name, why })
            }
        }
    }
}

impl InvalidVariable {
    fn new(name: &'static str, why: &dyn std::fmt::Display) -> Self {
        Self { name, why: why.to_string() }
    }
}

/// All variables that are documented, in the order of the documentation.
#[rustfmt::skip] // a table
pub const ALL: &[Variable] = &[
    Variable { name: "RACK_URL", what: "The rack's address, https://convox:PASSWORD@HOST. Overrides every other choice of a rack." },
    Variable { name: "CONVOX_RACK", what: "The rack to use if --rack is not given: its name, or a unique part of it. `dev` is the development rack." },
    Variable { name: "CONVOX_APP", what: "The app to use if neither an argument nor --app names one." },
    Variable { name: "CONVOX_HOST", what: "The host of the console, instead of that of the last login." },
    Variable { name: "CONVOX_PASSWORD", what: "The password or token for the console, instead of the stored one." },
    Variable { name: "CONVOX_TOKEN", what: "The token that `login` uses if --token is not given." },
    Variable { name: "CONVOX_CONFIG", what: "The settings directory. Default: `convox` in XDG_CONFIG_HOME, or in ~/.config (macOS: `~/Library/Preferences`)." },
    Variable { name: "CONVOX_DATA", what: "The data directory of the development rack. Default: `convox/rack` in XDG_DATA_HOME, or in ~/.local/share (macOS: `~/Library/Application Support`)." },
    Variable { name: "CONVOX_ACTOR", what: "The name of the user, for the rack's audit log." },
    Variable { name: "CONVOX_DEBUG", what: "`true` or `1`: print a line on stderr for each request and socket, like --debug." },
    Variable { name: "CONVOX_STYLE", what: "`classic` (the default) or `v3`: the style of deploy, releases, releases promote and apps if --style is not given." },
    Variable { name: "CONVOX_WAIT", what: "`true` or `1`: wait, as if --wait were given to every command that has it." },
    Variable { name: "CONVOX_CA_CERT", what: "A PEM file with certificate authorities to trust in addition to the system's." },
    Variable { name: "CONVOX_TRUST", what: "The SHA-256 fingerprint of a rack's certificate to trust." },
    Variable { name: "CONVOX_RETRY", what: "How long to retry failed requests, in seconds. Default: 60; 0 disables retries." },
    Variable { name: "CONVOX_CONNECT_TIMEOUT", what: "Time limit for connecting. Default: 10s." },
    Variable { name: "CONVOX_READ_TIMEOUT", what: "Time limit for the response to a request that only reads. Default: 60s." },
    Variable { name: "CONVOX_CHANGE_TIMEOUT", what: "Time limit for the response to a request that changes something, or to an upload. Default: 15m." },
    Variable { name: "CONVOX_STALL_TIMEOUT", what: "Time limit for a transfer without progress. Default: 60s." },
    Variable { name: "CONVOX_PING_INTERVAL", what: "Time between pings on a socket. Default: 10s." },
    Variable { name: "CONVOX_SOCKET_TIMEOUT", what: "Time after which a socket is given up if the other end acknowledges nothing. Default: 20s." },
    Variable { name: "XDG_CONFIG_HOME", what: "The parent of the settings directory, if an absolute path. See CONVOX_CONFIG." },
    Variable { name: "XDG_DATA_HOME", what: "The parent of the development rack's data directory, if an absolute path. See CONVOX_DATA." },
    Variable { name: "HOME", what: "The home directory." },
    Variable { name: "PWD", what: "The working directory as the shell spells it, for the default name of the app." },
    Variable { name: "X_DEV_ALLOW_HTTP", what: "`true`: connect to the console over plain HTTP (for tests)." },
    Variable { name: "TEST", what: "`true`: send no git commit with a build." },
    Variable { name: "NO_COLOR", what: "Any value: no colors." },
    Variable { name: "TERM", what: "`dumb`: no colors, and no lines that are redrawn." },
    Variable { name: "PATH", what: "Where git, terraform and the commands of the development rack's services are found." },
    Variable { name: "LANG", what: "Passed to the services of the development rack." },
    Variable { name: "TMPDIR", what: "The directory for temporary files. Passed to the services of the development rack." },
];

/// Variables that tune the client, for tests. They are not documented and may change.
pub const UNDOCUMENTED: &[&str] =
    &["CONVOX_LOOK_TIME", "CONVOX_FIRST_CONTACT_TIME", "CONVOX_LOG_GRACE", "CONVOX_POLL_INTERVAL"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::os::unix::ffi::OsStringExt;

    fn read(pairs: &[(&str, &str)]) -> Result<EnvVars, InvalidVariable> {
        let pairs: BTreeMap<_, _> = pairs.iter().copied().collect();
        EnvVars::read(|name| pairs.get(name).map(OsString::from))
    }

    #[test]
    fn the_tables_name_each_variable_that_is_read_once() {
        let asked = RefCell::new(Vec::new());
        EnvVars::read(|name| {
            asked.borrow_mut().push(name.to_owned());
            None
        })
        .unwrap();
        let mut asked = asked.into_inner();
        asked.sort();
        let documented = ALL.iter().map(|variable| variable.name);
        let mut listed: Vec<_> = documented.chain(UNDOCUMENTED.iter().copied()).collect();
        listed.sort_unstable();
        assert_eq!(asked, listed);
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let variables = read(&[("RACK_URL", "  "), ("CONVOX_WAIT", ""), ("NO_COLOR", "")]).unwrap();
        assert!(variables.rack_url.is_none() && !variables.wait && !variables.no_color);
        assert_eq!(variables.limits, Limits::default());
    }

    #[test]
    fn values_become_types() {
        let variables = read(&[
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
        assert_eq!(variables.rack_url.unwrap().base(), "https://host");
        assert!(variables.wait && !variables.debug && !variables.test && variables.allow_http);
        assert_eq!(variables.style, Some(Style::V3));
        assert_eq!(variables.limits.answer, Duration::from_millis(500));
        assert_eq!(variables.limits.reconcile, Duration::ZERO);
    }

    #[test]
    fn the_retry_budget_is_in_seconds() {
        for (text, budget) in [("0", 0), ("5", 5_000), ("1.5s", 1_500), ("", 60_000)] {
            let variables = read(&[("CONVOX_RETRY", text)]).unwrap();
            assert_eq!(variables.limits.retry, Duration::from_millis(budget), "{text}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named_with_a_good_one() {
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
    fn a_secret_is_kept_as_it_is_and_never_shown() {
        let variables = read(&[("CONVOX_PASSWORD", " hunter2 ")]).unwrap();
        assert!(!format!("{variables:?}").contains("hunter2"));
        let error = read(&[("RACK_URL", "convox:hunter2@host")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn a_text_that_is_not_utf_8_is_refused_and_a_path_is_not() {
        let odd = |name: &str| (name == "CONVOX_RACK").then(|| OsString::from_vec(vec![0xff]));
        assert!(EnvVars::read(odd).unwrap_err().to_string().starts_with("CONVOX_RACK: "));
        let odd = |name: &str| (name == "HOME").then(|| OsString::from_vec(vec![0xff]));
        assert!(EnvVars::read(odd).unwrap().home.is_some());
    }
}
