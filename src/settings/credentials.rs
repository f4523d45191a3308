//! What `login` keeps: hosts, tokens, sessions, and the certificates that a person has trusted.

use super::files::{ConfigDir, FilesError, Kind, Texts};
use convox_client::fingerprint::{Fingerprint, InvalidFingerprint};
use convox_client::secret::{ExposeSecret, Secret};

const AUTH: Kind =
    Kind { expected: "a JSON object of hosts and tokens", mend: "run `convox login` again" };
const SESSION: Kind =
    Kind { expected: "a JSON object of hosts and sessions", mend: "run the command again" };
const TRUST: Kind = Kind {
    expected: "a JSON object of hosts and certificate fingerprints",
    mend: "run `convox login HOST --trust` again",
};

impl ConfigDir {
    /// The console of the last login: file `console` of the 3.x clients, else `host` of older ones.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn console_host(&self) -> Result<Option<String>, FilesError> {
        match self.text("console")? {
            Some(host) => Ok(Some(host)),
            None => self.text("host"),
        }
    }

    /// Remembers the console of a login.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn store_console_host(&self, host: &str) -> Result<(), FilesError> {
        self.write_text("console", host)
    }

    /// The token or password stored for a host.
    ///
    /// # Errors
    /// A file that cannot be read or is no JSON object of texts.
    pub fn password(&self, host: &str) -> Result<Option<Secret>, FilesError> {
        self.secret_of("auth", AUTH, host)
    }

    /// Stores the token or password for a host; those of other hosts stay.
    ///
    /// # Errors
    /// A file that cannot be read, written, or is no JSON object of texts.
    pub fn store_password(&self, host: &str, password: &Secret) -> Result<(), FilesError> {
        self.store_secret("auth", AUTH, host, password)
    }

    /// The session at a console, by its host (with port as in the address).
    ///
    /// # Errors
    /// A file that cannot be read or is no JSON object of texts.
    pub fn session(&self, host: &str) -> Result<Option<Secret>, FilesError> {
        self.secret_of("session", SESSION, host)
    }

    /// Stores the session at a console.
    ///
    /// # Errors
    /// A file that cannot be read, written, or is no JSON object of texts.
    pub fn store_session(&self, host: &str, session: &Secret) -> Result<(), FilesError> {
        self.store_secret("session", SESSION, host, session)
    }

    /// The user id that a console gave at login.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn user_id(&self) -> Result<Option<String>, FilesError> {
        self.text("id")
    }

    /// Remembers the user id.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn store_user_id(&self, id: &str) -> Result<(), FilesError> {
        self.write_text("id", id)
    }

    /// The certificate pinned for `host_port` (see [`super::RackUrl::host_port`]).
    ///
    /// # Errors
    /// A file that cannot be read or holds something else: an unreadable pin is no missing pin.
    pub fn pin(&self, host_port: &str) -> Result<Option<Fingerprint>, FilesError> {
        let pins: Texts = self.json("trust", TRUST)?.unwrap_or_default();
        let Some(text) = pins.get(host_port) else { return Ok(None) };
        match text.parse() {
            Ok(fingerprint) => Ok(Some(fingerprint)),
            Err(InvalidFingerprint) => Err(FilesError::Content {
                path: self.path("trust").unwrap_or_default(),
                expected: TRUST.expected,
                why: format!("at {host_port:?}"),
                mend: TRUST.mend,
            }),
        }
    }

    /// Pins a certificate for `host_port`, in place of the one before.
    ///
    /// # Errors
    /// A file that cannot be read, written, or is no JSON object of texts.
    pub fn store_pin(&self, host_port: &str, pin: Fingerprint) -> Result<(), FilesError> {
        self.update_texts("trust", TRUST, |pins| {
            pins.insert(host_port.to_owned(), pin.to_string());
        })
    }

    fn secret_of(&self, name: &str, kind: Kind, host: &str) -> Result<Option<Secret>, FilesError> {
        let mut secrets: Texts = self.json(name, kind)?.unwrap_or_default();
        Ok(secrets.remove(host).filter(|text| !text.is_empty()).map(Secret::from))
    }

    fn store_secret(
        &self,
        name: &str,
        kind: Kind,
        host: &str,
        secret: &Secret,
    ) -> Result<(), FilesError> {
        self.update_texts(name, kind, |secrets| {
            secrets.insert(host.to_owned(), secret.expose_secret().to_owned());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, ConfigDir) {
        let home = tempfile::tempdir().unwrap();
        let files = ConfigDir::new(Some(home.path().to_owned()));
        (home, files)
    }

    #[test]
    fn the_console_of_the_newer_client_is_preferred() {
        let (_home, files) = files();
        files.write_text("host", "old.example.com\n").unwrap();
        assert_eq!(files.console_host().unwrap().as_deref(), Some("old.example.com"));
        files.store_console_host("new.example.com").unwrap();
        assert_eq!(files.console_host().unwrap().as_deref(), Some("new.example.com"));
    }

    #[test]
    fn a_stored_token_leaves_those_of_other_hosts() {
        let (_home, files) = files();
        files.write_text("auth", "{\"other.test\":\"keep\",\"empty.test\":\"\"}").unwrap();
        files.store_password("host:5000", &"token".into()).unwrap();
        let stored = |host| files.password(host).unwrap().map(|s| s.expose_secret().to_owned());
        assert_eq!(stored("host:5000").as_deref(), Some("token"));
        assert_eq!(stored("other.test").as_deref(), Some("keep"));
        assert_eq!(stored("empty.test"), None);
        assert_eq!(stored("nowhere"), None);
    }

    #[test]
    fn sessions_and_the_user_are_kept() {
        let (_home, files) = files();
        files.store_session("host", &"sid".into()).unwrap();
        files.store_user_id("user-17").unwrap();
        assert_eq!(files.session("host").unwrap().unwrap().expose_secret(), "sid");
        assert_eq!(files.user_id().unwrap().as_deref(), Some("user-17"));
    }

    #[test]
    fn a_pin_belongs_to_host_and_port() {
        let (_home, files) = files();
        let (one, two) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        files.store_pin("host:443", one).unwrap();
        files.store_pin("host:5443", two).unwrap();
        assert_eq!(files.pin("host:443").unwrap(), Some(one));
        assert_eq!(files.pin("host:5443").unwrap(), Some(two));
        assert_eq!(files.pin("host:80").unwrap(), None);
    }

    #[test]
    fn a_damaged_pin_is_an_error_and_not_a_missing_pin() {
        let (_home, files) = files();
        files.write_text("trust", "{\"host:443\":\"AB:CD\"}").unwrap();
        let error = files.pin("host:443").unwrap_err().to_string();
        assert!(error.contains("/trust is not a JSON object of hosts"), "{error}");
    }
}
