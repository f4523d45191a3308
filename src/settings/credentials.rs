//! What `login` stores: hosts, tokens, sessions and trusted certificates.

use super::config_dir::{ConfigDir, ConfigError, ConfigWriter, FileSpec, Remedy, Strings};
use convox_client::fingerprint::{Fingerprint, InvalidFingerprint};
use convox_client::secret::{ExposeSecret, Secret};

const AUTH: FileSpec =
    FileSpec { expected: "a JSON object of hosts and tokens", remedy: Remedy::LogIn };
const SESSION: FileSpec =
    FileSpec { expected: "a JSON object of hosts and sessions", remedy: Remedy::RunAgain };
const TRUST: FileSpec = FileSpec {
    expected: "a JSON object of hosts and certificate fingerprints",
    remedy: Remedy::Trust,
};

/// A credential that consists of white space only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is empty")]
pub struct EmptySecret;

/// Returns a token or password without the white space around it, which files and CI secrets
/// often end with. Every credential passes through here when it enters the program.
///
/// # Errors
/// Nothing is left.
pub fn trimmed_secret(text: &str) -> Result<Secret, EmptySecret> {
    let text = text.trim();
    if text.is_empty() { Err(EmptySecret) } else { Ok(Secret::from(text)) }
}

impl ConfigDir {
    /// Returns the console of the last login: the file `console` of 3.x clients, or `host` of older ones.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn console_host(&self) -> Result<Option<String>, ConfigError> {
        match self.text("console")? {
            Some(host) => Ok(Some(host)),
            None => self.text("host"),
        }
    }

    /// Returns the token or password stored for a host.
    ///
    /// # Errors
    /// The file can't be read or is not a JSON object of strings.
    pub fn password(&self, host: &str) -> Result<Option<Secret>, ConfigError> {
        self.secret_of("auth", AUTH, host)
    }

    /// Returns the session at a console, by host (with the port, as in the address).
    ///
    /// # Errors
    /// The file can't be read or is not a JSON object of strings.
    pub fn session(&self, host: &str) -> Result<Option<Secret>, ConfigError> {
        self.secret_of("session", SESSION, host)
    }

    /// Returns the user id that a console returned at login.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn user_id(&self) -> Result<Option<String>, ConfigError> {
        self.text("id")
    }

    /// Returns the certificate pinned for `host_port` (see [`super::RackUrl::host_port`]).
    ///
    /// # Errors
    /// The file can't be read or is invalid: a damaged pin must not read as a missing one.
    pub fn pin(&self, host_port: &str) -> Result<Option<Fingerprint>, ConfigError> {
        let pins: Strings = self.json("trust", TRUST)?.unwrap_or_default();
        let Some(text) = pins.get(host_port) else { return Ok(None) };
        match text.parse() {
            Ok(fingerprint) => Ok(Some(fingerprint)),
            Err(InvalidFingerprint) => Err(ConfigError::Invalid {
                path: self.path("trust").unwrap_or_default(),
                expected: TRUST.expected,
                why: format!("at {host_port:?}"),
                remedy: TRUST.remedy,
            }),
        }
    }

    fn secret_of(
        &self,
        name: &str,
        spec: FileSpec,
        host: &str,
    ) -> Result<Option<Secret>, ConfigError> {
        let mut secrets: Strings = self.json(name, spec)?.unwrap_or_default();
        Ok(secrets.remove(host).and_then(|text| trimmed_secret(&text).ok()))
    }
}

impl ConfigWriter<'_> {
    /// Stores the console of a login.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_console_host(&self, host: &str) -> Result<(), ConfigError> {
        if self.config().console_host()?.is_some_and(|last| last != host) {
            self.forget_machines()?;
        }
        self.write_text("console", host)
    }

    /// Stores the token or password for a host; those of other hosts are kept.
    ///
    /// # Errors
    /// The file can't be read or written, or is not a JSON object of strings.
    pub fn store_password(&self, host: &str, password: &Secret) -> Result<(), ConfigError> {
        self.store_secret("auth", AUTH, host, password)
    }

    /// Stores the session at a console.
    ///
    /// # Errors
    /// The file can't be read or written, or is not a JSON object of strings.
    pub fn store_session(&self, host: &str, session: &Secret) -> Result<(), ConfigError> {
        self.store_secret("session", SESSION, host, session)
    }

    /// Stores the user id.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn store_user_id(&self, id: &str) -> Result<(), ConfigError> {
        self.write_text("id", id)
    }

    /// Pins a certificate for `host_port`, replacing any previous one.
    ///
    /// # Errors
    /// The file can't be read or written, or is not a JSON object of strings.
    pub fn store_pin(&self, host_port: &str, pin: Fingerprint) -> Result<(), ConfigError> {
        self.update_strings("trust", TRUST, |pins| {
            pins.insert(host_port.to_owned(), pin.to_string());
        })
    }

    fn store_secret(
        &self,
        name: &str,
        spec: FileSpec,
        host: &str,
        secret: &Secret,
    ) -> Result<(), ConfigError> {
        self.update_strings(name, spec, |secrets| {
            secrets.insert(host.to_owned(), secret.expose_secret().to_owned());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::scratch;

    #[test]
    fn the_file_of_newer_clients_wins_over_the_older_one() {
        let (_home, config) = scratch();
        config.writer().write_text("host", "old.example.com\n").unwrap();
        assert_eq!(config.console_host().unwrap().as_deref(), Some("old.example.com"));
        config.writer().store_console_host("new.example.com").unwrap();
        assert_eq!(config.console_host().unwrap().as_deref(), Some("new.example.com"));
    }

    #[test]
    fn storing_a_token_keeps_those_of_other_hosts() {
        let (_home, config) = scratch();
        config
            .writer()
            .write_text("auth", "{\"other.test\":\"keep\",\"empty.test\":\"\"}")
            .unwrap();
        config.writer().store_password("host:5000", &"token".into()).unwrap();
        let stored = |host| config.password(host).unwrap().map(|s| s.expose_secret().to_owned());
        assert_eq!(stored("host:5000").as_deref(), Some("token"));
        assert_eq!(stored("other.test").as_deref(), Some("keep"));
        assert_eq!(stored("empty.test"), None);
        assert_eq!(stored("nowhere"), None);
    }

    #[test]
    fn sessions_and_the_user_id_are_stored() {
        let (_home, config) = scratch();
        config.writer().store_session("host", &"sid".into()).unwrap();
        config.writer().store_user_id("user-17").unwrap();
        assert_eq!(config.session("host").unwrap().unwrap().expose_secret(), "sid");
        assert_eq!(config.user_id().unwrap().as_deref(), Some("user-17"));
    }

    #[test]
    fn a_pin_belongs_to_host_and_port() {
        let (_home, config) = scratch();
        let (one, two) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        config.writer().store_pin("host:443", one).unwrap();
        config.writer().store_pin("host:5443", two).unwrap();
        assert_eq!(config.pin("host:443").unwrap(), Some(one));
        assert_eq!(config.pin("host:5443").unwrap(), Some(two));
        assert_eq!(config.pin("host:80").unwrap(), None);
    }

    #[test]
    fn a_damaged_pin_is_an_error() {
        let (_home, config) = scratch();
        config.writer().write_text("trust", "{\"host:443\":\"AB:CD\"}").unwrap();
        let error = config.pin("host:443").unwrap_err().to_string();
        assert!(error.contains("/trust is not a JSON object of hosts"), "{error}");
    }

    #[test]
    fn stored_tokens_are_trimmed_and_blank_ones_count_as_absent() {
        let (_home, config) = scratch();
        let auth = "{\"host\":\"  abc\\r\\n\", \"blank\":\" \\n\"}";
        config.writer().write_text("auth", auth).unwrap();
        assert_eq!(config.password("host").unwrap().unwrap().expose_secret(), "abc");
        assert!(config.password("blank").unwrap().is_none());
        assert!(trimmed_secret("\t\n").is_err());
    }
}
