//! The HTTP client of one endpoint. It is built at the first request, then shared.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::local_socket::LocalSocket;
use super::proxy::{Proxies, Proxy};
use super::redactor::Redactor;
use super::second_factor::SharedAuthenticator;
use super::session::SessionSink;
use super::tls::{self, VerifyFailure};
use super::{Error, Event, Limits, Listener, Path, Trust};
use crate::RackUrl;

/// The `Version` header. Classic racks refuse clients with an old date stamp; all racks accept
/// `dev`, the version of unreleased clients.
const CLIENT_VERSION: &str = "dev";

/// The address of a rack or console, and the identity that requests carry.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Scheme, host, port and base path, without credentials or a trailing slash.
    pub url: Url,
    /// The Unix-domain socket to connect to, instead of the host and port of `url`.
    pub socket: Option<LocalSocket>,
    /// The user name. Racks ignore it, except for `jwt`.
    pub user: String,
    /// The password or token.
    pub password: Option<SecretString>,
    /// `None` for a rack. A console's session: empty until the console has given one.
    pub session: Option<String>,
    /// The actor for the rack's audit log (v3).
    pub actor: Option<String>,
}

impl Endpoint {
    /// An endpoint at `url` without credentials.
    pub fn new(url: Url) -> Self {
        let (user, password) = (String::from("convox"), None);
        Self { url, socket: None, user, password, session: None, actor: None }
    }

    /// An endpoint at a Unix-domain socket, whose file permissions and owner stand for credentials.
    ///
    /// # Errors
    /// None in practice: the URL behind the socket is constant.
    pub fn unix(socket: LocalSocket) -> Result<Self, Error> {
        let url = Url::parse("http://localhost")
            .map_err(|error| Error::Config(format!("the URL of a socket: {error}")))?;
        Ok(Self { socket: Some(socket), ..Self::new(url) })
    }

    /// The path of the socket, or host and port, for messages and pinned certificates.
    pub fn address(&self) -> String {
        if let Some(socket) = &self.socket {
            return socket.path.display().to_string();
        }
        let host = self.url.host_str().unwrap_or_default();
        self.url.port_or_known_default().map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The host, with its port if the URL has one: the key of its stored session.
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl From<&RackUrl> for Endpoint {
    /// The endpoint of a rack, with the credentials in its URL.
    fn from(url: &RackUrl) -> Self {
        let mut endpoint = Self::new(url.url().clone());
        if let Some(credentials) = url.credentials() {
            endpoint.user.clone_from(&credentials.user);
            endpoint.password = Some(credentials.password.clone());
        }
        endpoint
    }
}

/// Options of a [`Client`].
#[derive(Clone)]
pub struct Options {
    /// Time limits.
    pub limits: Limits,
    /// How the rack's certificate is verified.
    pub trust: Trust,
    /// The proxies to use. By default those that the environment variables name.
    pub proxies: Proxies,
    /// Receives events.
    pub listener: Listener,
    /// Receives a console's new sessions.
    pub session_sink: SessionSink,
    /// Answers a console that requires a second factor. A client that has an authenticator creates
    /// a session if it is asked to, even if its endpoint has none.
    pub authenticator: Option<SharedAuthenticator>,
}

impl Default for Options {
    fn default() -> Self {
        let listener: Listener = Arc::new(|_| {});
        let session_sink: SessionSink = Arc::new(|_| {});
        let (limits, trust, proxies) = (Limits::default(), Trust::default(), Proxies::from_env());
        Self { limits, trust, proxies, listener, session_sink, authenticator: None }
    }
}

/// A client of one endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
    /// Whether requests that fail are repeated.
    retries: bool,
    /// What a console forwards requests to.
    behind: Option<Behind>,
}

/// What a console forwards requests to.
#[derive(Debug, Clone)]
enum Behind {
    /// The rack of this name, which requests carry in a header.
    Rack(Arc<str>),
    /// A machine. Its apps are below this path of the console.
    Machine(Path),
}

pub(super) struct Inner {
    endpoint: Endpoint,
    pub(super) options: Options,
    session: RwLock<Option<String>>,
    /// Held while a session is created, so that concurrent requests share it.
    pub(super) renewal: tokio::sync::Mutex<Option<Error>>,
    /// The second factor that is being presented: not to be shown, even if the console repeats it.
    pub(super) assertion: RwLock<Option<SecretString>>,
    tls: OnceLock<Result<rustls::ClientConfig, Error>>,
    http: OnceLock<Result<reqwest::Client, Error>>,
    socket_http: OnceLock<Result<reqwest::Client, Error>>,
    verify_failure: Arc<VerifyFailure>,
    responded: AtomicBool,
}

impl Client {
    /// Creates a client. Nothing is loaded or connected before the first request.
    pub fn new(endpoint: Endpoint, options: Options) -> Self {
        let session = RwLock::new(endpoint.session.clone());
        let inner = Inner {
            endpoint,
            options,
            session,
            renewal: tokio::sync::Mutex::default(),
            assertion: RwLock::default(),
            tls: OnceLock::new(),
            http: OnceLock::new(),
            socket_http: OnceLock::new(),
            verify_failure: Arc::default(),
            responded: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner), retries: true, behind: None }
    }

    /// Returns the same client, whose requests a console forwards to a rack.
    pub(crate) fn for_rack(&self, name: &str) -> Self {
        Self { behind: Some(Behind::Rack(name.into())), ..self.clone() }
    }

    /// Returns the same client, whose requests about apps a console forwards to a machine.
    pub(crate) fn for_machine(&self, id: &str) -> Self {
        let behind = Behind::Machine(Path::of(["machines", id]));
        Self { behind: Some(behind), ..self.clone() }
    }

    /// The name of the rack that a console forwards requests to.
    pub(crate) fn rack_behind_console(&self) -> Option<&str> {
        match &self.behind {
            Some(Behind::Rack(name)) => Some(name),
            Some(Behind::Machine(_)) | None => None,
        }
    }

    /// Returns whether a console forwards requests about apps to a machine.
    pub(super) fn is_for_machine(&self) -> bool {
        matches!(self.behind, Some(Behind::Machine(_)))
    }

    /// The URL of a route.
    ///
    /// # Errors
    /// [`Error::Config`] for a path that would lead to another route.
    pub(crate) fn url_of(&self, path: &Path) -> Result<Url, Error> {
        let mut url = self.endpoint().url.clone();
        let machine = match &self.behind {
            // Consoles have only the routes of apps for machines.
            Some(Behind::Machine(machine)) if path.as_str().starts_with("/app") => {
                machine.checked()?
            }
            _ => "",
        };
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{machine}{}", path.checked()?));
        Ok(url)
    }

    /// Creates a client that rejects every certificate, and so reports the one that is presented.
    pub(super) fn probing(endpoint: Endpoint, options: Options) -> Self {
        let client = Self::new(endpoint, options);
        let config = || tls::rejecting_config(client.inner.verify_failure.clone());
        client.inner.tls.get_or_init(config);
        client
    }

    /// Returns the same client without retries, for callers that poll.
    pub fn without_retries(&self) -> Self {
        Self { retries: false, ..self.clone() }
    }

    pub(super) fn retries(&self) -> bool {
        self.retries
    }

    /// The endpoint that requests go to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    /// The time limits.
    pub fn limits(&self) -> &Limits {
        &self.inner.options.limits
    }

    /// Returns whether the endpoint is a console, which has sessions.
    pub(super) fn is_console(&self) -> bool {
        self.endpoint().session.is_some()
    }

    /// The present session.
    pub(super) fn session(&self) -> Option<String> {
        self.inner.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses a session from now on, and passes it to the session sink.
    pub(super) fn use_session(&self, session: &str) {
        let present = &self.inner.session;
        *present.write().unwrap_or_else(PoisonError::into_inner) = Some(session.to_owned());
        (self.inner.options.session_sink)(session);
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.inner.options.trust
    }

    pub(super) fn verify_failure(&self) -> &VerifyFailure {
        &self.inner.verify_failure
    }

    pub(super) fn emit(&self, event: Event) {
        (self.inner.options.listener)(event);
    }

    /// Returns whether the rack has ever responded.
    pub(super) fn has_responded(&self) -> bool {
        self.inner.responded.load(Ordering::Relaxed)
    }

    pub(super) fn note_response(&self) {
        self.inner.responded.store(true, Ordering::Relaxed);
    }

    /// The HTTP client for requests. A live peer may acknowledge nothing for as long as a transfer
    /// may stall, for example a proxy that spools.
    pub(super) fn http(&self) -> Result<reqwest::Client, Error> {
        let limits = self.limits();
        let unacknowledged = limits.half_open.max(limits.stall);
        self.inner.http.get_or_init(|| self.build(unacknowledged)).clone()
    }

    /// The HTTP client for websockets. They may be quiet for long, and only the operating system
    /// finds out that the peer is gone.
    pub(super) fn socket_http(&self) -> Result<reqwest::Client, Error> {
        self.inner.socket_http.get_or_init(|| self.build(self.limits().half_open)).clone()
    }

    fn tls(&self) -> Result<rustls::ClientConfig, Error> {
        let config = || match self.endpoint().url.scheme() {
            "https" => tls::config(self.trust(), self.inner.verify_failure.clone()),
            _ => tls::plaintext(),
        };
        self.inner.tls.get_or_init(config).clone()
    }

    /// The proxy that requests go through. A rack on this machine is reached without one.
    pub(super) fn proxy(&self) -> Result<Option<Proxy>, Error> {
        if self.endpoint().is_loopback() {
            return Ok(None);
        }
        Ok(self.inner.options.proxies.proxy_for(&self.endpoint().url)?)
    }

    /// `unacknowledged` is how long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`).
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), expect(unused_variables))]
    fn build(&self, unacknowledged: Duration) -> Result<reqwest::Client, Error> {
        let limits = self.limits();
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls()?)
            .user_agent(concat!("convox/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none()) // racks never redirect
            .retry(reqwest::retry::never())
            .connect_timeout(limits.connect)
            .tcp_nodelay(true)
            .tcp_keepalive(limits.ping);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let builder = builder.tcp_user_timeout(unacknowledged);
        let builder = match self.proxy()? {
            Some(proxy) => builder.proxy(proxy.for_all()?),
            None => builder.no_proxy(),
        };
        #[cfg(unix)]
        let builder = match &self.endpoint().socket {
            Some(socket) => builder.unix_socket(socket.path.as_path()),
            None => builder,
        };
        let config_error =
            |error| Error::Config(format!("the HTTP client can't be set up: {error}"));
        builder.build().map_err(config_error)
    }

    /// The headers of every request, as the Go clients send them.
    pub(super) fn headers(&self) -> Result<HeaderMap, Error> {
        let actor = self.endpoint().actor.as_deref();
        let mut headers = HeaderMap::new();
        headers.insert("version", HeaderValue::from_static(CLIENT_VERSION));
        if let Some(authorization) = self.authorization()? {
            headers.insert(reqwest::header::AUTHORIZATION, authorization);
        }
        let session = self.session();
        let (rack, session) = (self.rack_behind_console(), session.as_deref());
        for (name, value) in [("rack", rack), ("session", session), ("x-convox-actor", actor)] {
            if let Some(value) = value {
                headers.insert(HeaderName::from_static(name), header_value(name, value)?);
            }
        }
        Ok(headers)
    }

    /// Returns a rack's message without our credentials.
    pub(crate) fn redact(&self, message: &str) -> String {
        self.redactor().redact(message)
    }

    pub(super) fn redactor(&self) -> Redactor {
        let Endpoint { user, password, .. } = self.endpoint();
        let assertion = self.inner.assertion.read().unwrap_or_else(PoisonError::into_inner);
        let session = self.session().map(SecretString::from);
        Redactor::new(user, password.as_ref(), session.into_iter().chain(assertion.clone()))
    }

    /// Basic authentication (RFC 7617). The only place that exposes the password for a request.
    fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        use base64::Engine;
        let Endpoint { user, password, .. } = self.endpoint();
        let Some(password) = password else { return Ok(None) };
        let pair = format!("{user}:{}", password.expose_secret());
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        let mut value = header_value("authorization", &format!("Basic {encoded}"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

pub(super) fn header_value(name: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
        Error::Config(format!("the value of the {name} header contains control characters"))
    })
}
