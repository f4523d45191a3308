//! Proxies, as the environment variables of Go's and curl's users configure them.
//!
//! `HTTP_PROXY` is for `http` racks and `HTTPS_PROXY` for `https` racks; `ALL_PROXY` is for either
//! if its own variable is not set. The lower-case names are read if the upper-case ones are not set.
//! `NO_PROXY` lists the exceptions. A rack on the loopback interface is never reached through a proxy.
//! Sources: the documentation of Go's `golang.org/x/net/http/httpproxy`, and curl's of `ALL_PROXY`.

mod no_proxy;

use std::fmt;

use url::Url;

use no_proxy::NoProxy;

/// The schemes of proxies that are supported. `socks5h` lets the proxy resolve host names.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// The usual port of SOCKS proxies (RFC 1928).
const SOCKS_PORT: u16 = 1080;

/// The proxies to use.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Setting>,
    https: Option<Setting>,
    all: Option<Setting>,
    no_proxy: NoProxy,
}

/// A proxy variable and its value, which may contain a password.
#[derive(Clone)]
struct Setting {
    variable: &'static str,
    value: String,
}

/// The proxy for an endpoint.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// The variable that names it.
    pub(super) variable: &'static str,
    /// Its URL, with credentials.
    pub(super) url: Url,
}

/// A proxy variable with a value that can't be used. The message does not repeat the value, which
/// may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}; expected a proxy such as http://proxy.example.com:3128")]
pub(super) struct InvalidProxy {
    variable: &'static str,
    problem: String,
}

impl Proxies {
    /// The proxies that the environment variables of this process name.
    #[allow(clippy::disallowed_methods)] // the default, as HTTP libraries have it
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The proxies that these variables name. Empty ones count as unset.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let setting = |names: [&'static str; 2]| {
            let found = |variable| Some(Setting { variable, value: read(variable)? });
            names.into_iter().find_map(found)
        };
        let exceptions = read("NO_PROXY").or_else(|| read("no_proxy")).unwrap_or_default();
        Self {
            // A CGI program gets request headers as HTTP_…: a client could set the proxy.
            http: setting(["HTTP_PROXY", "http_proxy"])
                .filter(|_| read("REQUEST_METHOD").is_none()),
            https: setting(["HTTPS_PROXY", "https_proxy"]),
            all: setting(["ALL_PROXY", "all_proxy"]),
            no_proxy: NoProxy::parse(&exceptions),
        }
    }

    /// No proxies.
    pub fn none() -> Self {
        Self::default()
    }

    /// The proxy for an `http` or `https` URL, if it is reached through one.
    pub(super) fn proxy_for(&self, url: &Url) -> Result<Option<Proxy>, InvalidProxy> {
        let own = if url.scheme() == "https" { &self.https } else { &self.http };
        match own.as_ref().or(self.all.as_ref()) {
            Some(setting) if !self.no_proxy.matches(url) => setting.proxy().map(Some),
            _ => Ok(None),
        }
    }
}

impl Setting {
    fn proxy(&self) -> Result<Proxy, InvalidProxy> {
        let invalid =
            |problem: &str| InvalidProxy { variable: self.variable, problem: problem.to_owned() };
        let value = self.value.trim();
        // As Go and curl do: a proxy without a scheme is an HTTP proxy.
        let url = match value.contains("://") {
            true => Url::parse(value),
            false => Url::parse(&format!("http://{value}")),
        };
        let mut url = url.map_err(|error| invalid(&format!("not a URL ({error})")))?;
        if !SCHEMES.contains(&url.scheme()) {
            let expected = SCHEMES.join(", ");
            let problem = format!("unsupported scheme {} (supported: {expected})", url.scheme());
            return Err(invalid(&problem));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(invalid("there is no host"));
        }
        if url.scheme().starts_with("socks") && url.port().is_none() {
            // The HTTP library would use port 80.
            url.set_port(Some(SOCKS_PORT)).map_err(|()| invalid("the port can't be set"))?;
        }
        Ok(Proxy { variable: self.variable, url })
    }
}

impl Proxy {
    /// Host and port, for messages.
    pub(super) fn address(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(SOCKS_PORT);
        format!("{host}:{port}")
    }

    /// As the HTTP library takes it.
    pub(super) fn for_all(&self) -> Result<reqwest::Proxy, InvalidProxy> {
        reqwest::Proxy::all(self.url.as_str()).map_err(|error| InvalidProxy {
            variable: self.variable,
            problem: format!("not a usable proxy ({})", error.without_url()),
        })
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = [&self.http, &self.https, &self.all].into_iter().flatten();
        f.debug_set().entries(set.map(|setting| setting.variable)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn chosen(variables: &[(&str, &str)], url: &str) -> Option<(&'static str, String)> {
        let proxy = proxies(variables).proxy_for(&url.parse().unwrap()).unwrap();
        proxy.map(|proxy| (proxy.variable, proxy.address()))
    }

    #[test]
    fn the_scheme_of_the_rack_selects_the_variable() {
        let all = [("HTTP_PROXY", "one:1"), ("https_proxy", "two:2"), ("ALL_PROXY", "three")];
        let at = |url| chosen(&all, url);
        assert_eq!(at("http://rack"), Some(("HTTP_PROXY", "one:1".to_owned())));
        assert_eq!(at("https://rack"), Some(("https_proxy", "two:2".to_owned())));
        let only = [("ALL_PROXY", "socks5://three")];
        assert_eq!(chosen(&only, "https://rack"), Some(("ALL_PROXY", "three:1080".to_owned())));
        assert_eq!(chosen(&[("HTTPS_PROXY", "p")], "http://rack"), None);
        assert_eq!(chosen(&[("HTTPS_PROXY", " ")], "https://rack"), None);
        let cgi = [("HTTP_PROXY", "evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(chosen(&cgi, "http://rack"), None, "a CGI program");
    }

    #[test]
    fn an_exception_needs_no_valid_proxy() {
        let variables = [("HTTPS_PROXY", "garbage://x"), ("NO_PROXY", "rack")];
        assert_eq!(chosen(&variables, "https://rack"), None);
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_variable_and_hides_its_password() {
        for value in ["garbage://u:hunter2@x", "http://u:hunter2@", "http://u:hunter2@x:99999"] {
            let proxies = proxies(&[("HTTPS_PROXY", value)]);
            let error = proxies.proxy_for(&"https://rack".parse().unwrap()).err().unwrap();
            let shown = format!("{error} {error:?} {proxies:?}");
            assert!(shown.starts_with("HTTPS_PROXY: "), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
