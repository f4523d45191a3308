//! The URL of a rack or console, with its credentials kept separately.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::secret::Secret;

/// `scheme://user:password@host[:port][/base]`. `Display` and `Debug` omit user and password.
///
/// Query and fragment are dropped, as by the Go clients. The base path loses its trailing slash,
/// since racks respond to `//apps` with a 404.
#[derive(Clone)]
pub struct RackUrl {
    address: Url,
    base: String,
    credentials: Option<Credentials>,
}

/// User and password for HTTP basic authentication, percent-decoded.
#[derive(Clone)]
pub struct Credentials {
    /// Usually `convox`. With `jwt`, racks read the password as a token.
    pub user: String,
    /// The rack's password, the console's token, or a JWT.
    pub password: Secret,
}

/// HTTP with or without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP, and `ws` for websockets.
    Http,
    /// HTTP over TLS, and `wss` for websockets.
    Https,
}

/// A text that is not the URL of a rack. Never contains the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRackUrl {
    /// It is not a URL.
    #[error("not a rack address ({0}): {EXAMPLE} is expected")]
    Malformed(url::ParseError),
    /// The scheme is neither http nor https.
    #[error("not a rack address (neither http nor https): {EXAMPLE} is expected")]
    Scheme,
    /// User or password are not UTF-8 when decoded.
    #[error("not a rack address (user or password is not UTF-8): {EXAMPLE} is expected")]
    Credentials,
    /// The password contains a `/`, `#` or `?`, which ends the host part of a URL.
    #[error(
        "not a rack address (percent-encode the password: / is %2F, # is %23, ? is %3F): \
         {EXAMPLE} is expected"
    )]
    RawPassword,
    /// A host that contains a scheme, a path or credentials.
    #[error("not a host name: console.convox.com or rack.example.com:5443 is expected")]
    Host,
}

const EXAMPLE: &str = "https://convox:PASSWORD@rack.example.com";

impl RackUrl {
    /// The URL of a console or rack at `host` or `host:port`, with the user `convox`.
    ///
    /// # Errors
    /// [`InvalidRackUrl::Host`] if `host` is more than a host and a port.
    pub fn for_host(
        scheme: Scheme,
        host: &str,
        password: Option<Secret>,
    ) -> Result<Self, InvalidRackUrl> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/\\@?#".contains(c);
        if host.is_empty() || host.contains(odd) {
            return Err(InvalidRackUrl::Host);
        }
        let address =
            Url::parse(&format!("{scheme}://{host}")).map_err(|_| InvalidRackUrl::Host)?;
        let credentials =
            password.map(|password| Credentials { user: "convox".to_owned(), password });
        Ok(Self { base: base_of(&address), address, credentials })
    }

    /// Scheme, host, port and base path, without a trailing slash and without credentials.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same as a URL, without credentials.
    pub(crate) fn url(&self) -> &Url {
        &self.address
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        if self.address.scheme() == "http" { Scheme::Http } else { Scheme::Https }
    }

    /// The host; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    /// Host and port, with the scheme's default port if there is none. Pinned certificates belong
    /// to it.
    pub fn host_port(&self) -> String {
        let port = self.address.port_or_known_default().unwrap_or(443);
        format!("{}:{port}", self.host())
    }

    /// The host, with its port if the URL has one. Console sessions belong to it.
    pub fn authority(&self) -> String {
        match self.address.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// Returns whether the host is this machine by name or address.
    pub fn is_loopback(&self) -> bool {
        match self.address.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// User and password, if the URL has any.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

impl FromStr for RackUrl {
    type Err = InvalidRackUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRackUrl> {
        if has_raw_password(text) {
            return Err(InvalidRackUrl::RawPassword);
        }
        let mut address = Url::parse(text.trim()).map_err(InvalidRackUrl::Malformed)?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(InvalidRackUrl::Scheme);
        }
        let credentials = take_credentials(&mut address)?;
        address.set_query(None);
        address.set_fragment(None);
        Ok(Self { base: base_of(&address), address, credentials })
    }
}

/// Whether a `/`, `#` or `?` in the password seems to end the host part: what comes before it looks
/// like a host and port, or like a password with an `@`, and an `@` comes after it.
fn has_raw_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let Some(end) = rest.find(['/', '#', '?']) else { return false };
    let (before, after) = rest.split_at(end);
    before.contains(':') && after.contains('@')
}

/// Removes user and password from the URL and returns them.
fn take_credentials(address: &mut Url) -> Result<Option<Credentials>, InvalidRackUrl> {
    let user = decoded(address.username())?;
    let password = address.password().map(decoded).transpose()?;
    if user.is_empty() && password.is_none() {
        return Ok(None);
    }
    // Neither fails for an http URL, which always has a host.
    address.set_username("").map_err(|()| InvalidRackUrl::Scheme)?;
    address.set_password(None).map_err(|()| InvalidRackUrl::Scheme)?;
    Ok(Some(Credentials { user, password: password.unwrap_or_default().into() }))
}

fn decoded(text: &str) -> Result<String, InvalidRackUrl> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| InvalidRackUrl::Credentials)?.into_owned())
}

fn base_of(address: &Url) -> String {
    address.as_str().trim_end_matches('/').to_owned()
}

impl fmt::Display for RackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.base)
    }
}

impl fmt::Debug for RackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RackUrl({})", self.base)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([REDACTED])") // people put the password before the colon, too
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret::ExposeSecret;
    use super::*;

    fn url(text: &str) -> RackUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_password_that_must_be_percent_encoded_is_refused_with_advice() {
        for password in ["pa/ss", "12/ss", "pa#ss", "pa?ss", "/", "a/b@c", "a@b/c"] {
            let text = format!("https://convox:{password}@rack.example.com");
            let error = text.parse::<RackUrl>().unwrap_err().to_string();
            assert!(error.contains("percent-encode the password"), "{error}");
            assert!(!error.contains(password) || password == "/", "{error}");
        }
        for text in ["https://convox:a%2Fb@host", "https://convox:a@b@host", "https://host:80/a"] {
            assert!(text.parse::<RackUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_url_is_split_into_its_parts() {
        let url = url("https://convox:p%40ss%2Fw+o:rd@rack.example.com:5443/base/?x=1#y");
        assert_eq!(url.base(), "https://rack.example.com:5443/base");
        assert_eq!(url.host_port(), "rack.example.com:5443");
        let credentials = url.credentials().unwrap();
        assert_eq!(credentials.user, "convox");
        assert_eq!(credentials.password.expose_secret(), "p@ss/w+o:rd");
    }

    #[test]
    fn the_default_port_is_part_of_a_pin_only() {
        let url = url("https://rack.example.com/");
        assert_eq!(url.base(), "https://rack.example.com");
        assert_eq!(url.host_port(), "rack.example.com:443");
        assert_eq!(url.authority(), "rack.example.com");
        assert!(url.credentials().is_none());
    }

    #[test]
    fn an_ipv6_host_keeps_its_brackets() {
        let url = url("http://:pw@[::1]:3000");
        assert_eq!(url.host_port(), "[::1]:3000");
        assert!(url.is_loopback());
        assert_eq!(url.credentials().unwrap().user, "");
    }

    #[test]
    fn loopback_hosts_are_recognized() {
        for host in ["localhost", "127.0.0.1:80", "127.9.9.9", "rack.localhost"] {
            assert!(RackUrl::for_host(Scheme::Http, host, None).unwrap().is_loopback(), "{host}");
        }
        for host in ["127.0.0.1.example.com", "10.0.0.1", "localhost.example.com"] {
            assert!(!RackUrl::for_host(Scheme::Http, host, None).unwrap().is_loopback(), "{host}");
        }
    }

    #[test]
    fn display_and_debug_omit_credentials() {
        for text in ["https://convox:hunter2@host", "https://hunter2@host/hunter"] {
            let url = url(text);
            let shown = format!("{url} {url:?} {:?}", url.credentials());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn an_invalid_url_is_rejected_without_repeating_it() {
        for text in [
            "",
            "rack.example.com",
            "convox:hunter2@rack.example.com",
            "ftp://convox:hunter2@rack.example.com",
            "https://convox:hunter2@",
            "https://convox:hunter2@host:99999",
            "https://convox:hunter2%ff@host",
        ] {
            let error = text.parse::<RackUrl>().unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains(EXAMPLE), "{shown}");
        }
    }

    #[test]
    fn a_console_is_given_by_host_and_port_alone() {
        let secret = || Some(Secret::from("a b+c/d=e@f%"));
        let url = RackUrl::for_host(Scheme::Https, "127.0.0.1:5000", secret()).unwrap();
        assert_eq!(url.base(), "https://127.0.0.1:5000");
        assert_eq!(url.credentials().unwrap().password.expose_secret(), "a b+c/d=e@f%");
        for host in ["", "https://host", "host/path", "user@host", "a b", "host:port", "h\u{1b}"] {
            let refused = RackUrl::for_host(Scheme::Https, host, secret());
            assert_eq!(refused.unwrap_err(), InvalidRackUrl::Host, "{host}");
        }
    }
}
