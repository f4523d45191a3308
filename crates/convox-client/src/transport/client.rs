//! The client of one endpoint: made at the first request, then shared.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::credentials::Credentials;
use super::session::SessionSink;
use super::tls::{self, Refusal};
use super::{Error, Event, Limits, Listener, Trust};

/// What `Version` a rack is told. Classic racks refuse date stamps that are too old; the word for
/// a client built by hand is accepted by all.
const CLIENT_VERSION: &str = "dev";

/// Where a rack answers, and how to say who asks.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Scheme, host, port and base path, without credentials or a trailing slash.
    pub url: Url,
    /// The user's name; racks look at the password alone, unless it is `jwt`.
    pub user: String,
    /// The password or token, where there is one.
    pub password: Option<SecretString>,
    /// Which of a console's racks is meant.
    pub rack: Option<String>,
    /// The console's session, once there was one; empty until then.
    pub session: Option<String>,
    /// Who acts, for the rack's audit (v3).
    pub actor: Option<String>,
}

impl Endpoint {
    /// An endpoint at `url` with nobody named.
    pub fn new(url: Url) -> Self {
        let (user, password) = (String::from("convox"), None);
        Self { url, user, password, rack: None, session: None, actor: None }
    }

    /// Host and port, for messages and pins.
    pub fn address(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port_or_known_default().map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The host, with its port where the address names one: the name of its stored session.
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

/// How a [`Client`] works.
#[derive(Clone)]
pub struct Options {
    /// Time limits.
    pub limits: Limits,
    /// What the rack's certificate is held against.
    pub trust: Trust,
    /// Who is told of what happens.
    pub listener: Listener,
    /// Who keeps a console's session.
    pub session_sink: SessionSink,
}

impl Default for Options {
    fn default() -> Self {
        let listener: Listener = Arc::new(|_| {});
        let session_sink: SessionSink = Arc::new(|_| {});
        Self { limits: Limits::default(), trust: Trust::default(), listener, session_sink }
    }
}

/// A client of one endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// Is what fails sent again?
    repeats: bool,
}

struct Inner {
    endpoint: Endpoint,
    options: Options,
    session: RwLock<Option<String>>,
    tls: OnceLock<Result<rustls::ClientConfig, Error>>,
    http: OnceLock<Result<reqwest::Client, Error>>,
    socket_http: OnceLock<Result<reqwest::Client, Error>>,
    refusal: Arc<Refusal>,
    answered: AtomicBool,
}

impl Client {
    /// A client of `endpoint`. Nothing is loaded or connected before the first request.
    pub fn new(endpoint: Endpoint, options: Options) -> Self {
        let session = RwLock::new(endpoint.session.clone());
        let inner = Inner {
            endpoint,
            options,
            session,
            tls: OnceLock::new(),
            http: OnceLock::new(),
            socket_http: OnceLock::new(),
            refusal: Arc::default(),
            answered: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner), repeats: true }
    }

    /// The same client, which sends everything once: for polls, which come again by themselves.
    pub fn without_retries(&self) -> Self {
        Self { repeats: false, ..self.clone() }
    }

    pub(super) fn repeats(&self) -> bool {
        self.repeats
    }

    /// Where it sends to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    /// Its time limits.
    pub fn limits(&self) -> &Limits {
        &self.inner.options.limits
    }

    /// Is this a console, which has sessions?
    pub(super) fn is_console(&self) -> bool {
        self.endpoint().session.is_some()
    }

    /// Uses this session from now on, and keeps it.
    pub(super) fn use_session(&self, session: &str) {
        let mut present = self.inner.session.write().unwrap_or_else(PoisonError::into_inner);
        *present = Some(session.to_owned());
        (self.inner.options.session_sink)(session);
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.inner.options.trust
    }

    pub(super) fn refusal(&self) -> &Refusal {
        &self.inner.refusal
    }

    pub(super) fn tell(&self, event: Event) {
        (self.inner.options.listener)(event);
    }

    /// Has the rack answered anything yet?
    pub(super) fn has_answered(&self) -> bool {
        self.inner.answered.load(Ordering::Relaxed)
    }

    pub(super) fn note_answer(&self) {
        self.inner.answered.store(true, Ordering::Relaxed);
    }

    /// For requests. The other end may be alive and take nothing for as long as a transfer may
    /// stand still: a proxy that spools, for one.
    pub(super) fn http(&self) -> Result<reqwest::Client, Error> {
        let limits = self.limits();
        let silence = limits.half_open.max(limits.stall);
        self.inner.http.get_or_init(|| self.build(silence)).clone()
    }

    /// For sockets, which say little and where nothing but the system finds out that the other end
    /// is gone.
    pub(super) fn socket_http(&self) -> Result<reqwest::Client, Error> {
        self.inner.socket_http.get_or_init(|| self.build(self.limits().half_open)).clone()
    }

    fn tls(&self) -> Result<rustls::ClientConfig, Error> {
        let config = || match self.endpoint().url.scheme() {
            "https" => tls::config(self.trust(), self.inner.refusal.clone()),
            _ => tls::unused(),
        };
        self.inner.tls.get_or_init(config).clone()
    }

    /// `silence` is how long the system lets the other end acknowledge nothing, or take nothing.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), expect(unused_variables))]
    fn build(&self, silence: Duration) -> Result<reqwest::Client, Error> {
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
        let builder = builder.tcp_user_timeout(silence);
        let builder = if self.endpoint().is_loopback() { builder.no_proxy() } else { builder };
        let failed = |error| Error::Config(format!("the HTTP client can't be set up: {error}"));
        builder.build().map_err(failed)
    }

    /// The headers of every request, as the existing clients send them.
    pub(super) fn headers(&self) -> Result<HeaderMap, Error> {
        let Endpoint { rack, actor, .. } = self.endpoint();
        let mut headers = HeaderMap::new();
        headers.insert("version", HeaderValue::from_static(CLIENT_VERSION));
        if let Some(authorization) = self.authorization()? {
            headers.insert(reqwest::header::AUTHORIZATION, authorization);
        }
        let session = self.inner.session.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, value) in [("rack", rack), ("session", &session), ("x-convox-actor", actor)] {
            if let Some(value) = value {
                headers.insert(HeaderName::from_static(name), header_value(name, value)?);
            }
        }
        Ok(headers)
    }

    /// What a rack says, without what it sends back of our credentials.
    pub fn redacted(&self, words: &str) -> String {
        self.credentials().hidden(words)
    }

    /// What must not be seen in what a rack says.
    pub(super) fn credentials(&self) -> Credentials {
        let Endpoint { user, password, .. } = self.endpoint();
        let session = self.inner.session.read().unwrap_or_else(PoisonError::into_inner);
        Credentials::new(user, password.as_ref(), session.as_deref())
    }

    /// Basic authentication (RFC 7617); the one place where the password is opened for the wire.
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
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| Error::Config(format!("the value for {name} contains control characters")))
}
