//! A rack with a client.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::clock::Clock;
use crate::runner::BaseEnvironment;
use crate::{Limits, RackError, RackOptions, serve};

pub(crate) use super::apps::{archive, script, web};

/// Far above what any operation takes: a test that waits this long has failed.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);
pub(crate) const PASSWORD: &str = "secret";

/// The base environment of a test rack.
pub(crate) fn environment() -> BaseEnvironment {
    // Services use python3 from the PATH of the test run.
    #[allow(clippy::disallowed_methods)]
    let path = std::env::var_os("PATH").unwrap_or_default();
    BaseEnvironment { path, home: "/".into(), ..BaseEnvironment::default() }
}

/// The options of a test rack.
pub(crate) fn options(data: &Path, limits: Limits) -> RackOptions {
    RackOptions {
        data: data.to_owned(),
        password: SecretString::from(PASSWORD),
        clock: Clock::system(),
        environment: environment(),
        limits,
        log_tap: None,
    }
}

/// A rack that serves in process.
pub(crate) struct TestRack {
    pub(crate) client: Client,
    pub(crate) data: PathBuf,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), RackError>>,
}

impl TestRack {
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, |_| ()).await
    }

    pub(crate) async fn start_with(data: &Path, change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits { builds: 2, ..Limits::default() };
        limits.processes.settle = Duration::from_millis(200);
        limits.processes.ready = Duration::from_secs(20);
        change(&mut limits);
        let options = options(data, limits);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(listener, options, shutdown));
        Self { client: Client::new(port), data: data.to_owned(), stop, served }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        let served = tokio::time::timeout(TEST_TIMEOUT, self.served).await;
        served.unwrap().unwrap().unwrap();
    }
}

/// An HTTP client for the rack's API.
#[derive(Clone)]
pub(crate) struct Client {
    /// For the rack.
    http: reqwest::Client,
    /// For services.
    web: reqwest::Client,
    peer: Peer,
    password: String,
}

#[derive(Clone)]
enum Peer {
    Port(u16),
    Socket(PathBuf),
}

impl Peer {
    async fn connect(&self) -> Stream {
        match self {
            Self::Port(port) => Box::new(TcpStream::connect(("127.0.0.1", *port)).await.unwrap()),
            Self::Socket(path) => Box::new(UnixStream::connect(path).await.unwrap()),
        }
    }
}

/// A connection to a rack.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

pub(crate) type Stream = Box<dyn Connection>;

pub(crate) fn http() -> reqwest::ClientBuilder {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls)
}

/// What a websocket received, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) text: String,
    /// Whether the empty binary frame was received.
    pub(crate) ended: bool,
    /// The code of the close frame.
    pub(crate) closed: Option<u16>,
}

pub(crate) type Open = WebSocketStream<Stream>;

impl Client {
    /// Connects to a port on 127.0.0.1, with [`PASSWORD`].
    pub(crate) fn new(port: u16) -> Self {
        let web = http().build().unwrap();
        let (peer, password) = (Peer::Port(port), PASSWORD.to_owned());
        Self { http: web.clone(), web, peer, password }
    }

    /// Connects to the socket of a data directory's rack.
    pub(crate) fn of(data: &Path) -> Self {
        let path = data.join("rack.sock");
        Self {
            http: http().unix_socket(path.as_path()).build().unwrap(),
            peer: Peer::Socket(path),
            ..Self::new(0)
        }
    }

    /// The port of the rack.
    pub(crate) fn port(&self) -> u16 {
        match &self.peer {
            Peer::Port(port) => *port,
            Peer::Socket(path) => panic!("a client of {}", path.display()),
        }
    }

    pub(crate) fn with_password(&self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self.clone() }
    }

    fn host(&self) -> String {
        match self.peer {
            Peer::Port(port) => format!("127.0.0.1:{port}"),
            Peer::Socket(_) => "localhost".to_owned(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.host());
        self.http.request(method, url).basic_auth("convox", Some(&self.password))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        answer(self.request(Method::GET, path)).await.1
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        answer(self.form(Method::POST, path, form)).await
    }

    pub(crate) async fn put(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        answer(self.form(Method::PUT, path, form)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::DELETE, path)).await
    }

    fn form(&self, method: Method, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.request(method, path);
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    pub(crate) async fn create(&self, app: &str) {
        assert_eq!(self.post("/apps", &[("name", app)]).await.0, 200);
    }

    /// Uploads an archive and starts a build of it.
    pub(crate) async fn start_build(&self, app: &str, archive: Vec<u8>) -> Value {
        let path = format!("/apps/{app}/objects/tmp/0123456789.tgz");
        let (status, object) = answer(self.request(Method::POST, &path).body(archive)).await;
        assert_eq!(status, 200, "{object}");
        let url = object["Url"].as_str().unwrap();
        let form = [("url", url), ("description", "test build"), ("git-sha", "abc")];
        let (status, build) = self.post(&format!("/apps/{app}/builds"), &form).await;
        assert_eq!(status, 200, "{build}");
        build
    }

    /// Builds to the end; returns the build and its log.
    pub(crate) async fn build(&self, app: &str, archive: Vec<u8>) -> (Value, String) {
        let build = self.start_build(app, archive).await;
        let path = format!("/apps/{app}/builds/{}", build["id"].as_str().unwrap());
        let log = self.read_socket(&format!("{path}/logs"), &[]).await;
        assert!(log.ended, "{log:?}");
        (self.get(&path).await, log.text)
    }

    /// Builds a release; returns its id.
    pub(crate) async fn release(&self, app: &str, archive: Vec<u8>) -> String {
        let (build, log) = self.build(app, archive).await;
        assert_eq!(build["status"], "complete", "{log}");
        build["release"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn promote(&self, app: &str, release: &str) -> (StatusCode, Value) {
        self.post(&format!("/apps/{app}/releases/{release}/promote"), &[]).await
    }

    /// Promotes a release and waits until the app is running again; returns the app.
    pub(crate) async fn promoted(&self, app: &str, release: &str) -> Value {
        let answer = self.promote(app, release).await;
        assert_eq!(answer, (StatusCode::OK, Value::from("ok\n")));
        self.running(app).await
    }

    /// Waits until the app is `running`.
    pub(crate) async fn running(&self, app: &str) -> Value {
        self.until(&format!("/apps/{app}"), |app| app["status"] == "running").await
    }

    /// Repeats a GET until the response satisfies `is`.
    pub(crate) async fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let asking = async {
            loop {
                last = self.get(path).await;
                if is(&last) {
                    return last.clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(TEST_TIMEOUT, asking).await;
        found.unwrap_or_else(|_| panic!("{path} stays {last}"))
    }

    /// Returns the address of a service.
    pub(crate) async fn address(&self, app: &str, service: &str) -> SocketAddr {
        let services = self.get(&format!("/apps/{app}/services")).await;
        let services = services.as_array().unwrap();
        let found = services.iter().find(|one| one["name"] == service).unwrap();
        found["domain"].as_str().unwrap().parse().unwrap()
    }

    /// Returns the body of a service's response.
    pub(crate) async fn curl(&self, address: SocketAddr) -> String {
        let answer = self.web.get(format!("http://{address}/")).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// Returns the app's log so far.
    pub(crate) async fn log(&self, app: &str) -> String {
        let options = [("Follow", "false"), ("Prefix", "true"), ("Since", "1h")];
        self.read_socket(&format!("/apps/{app}/logs"), &options).await.text
    }

    pub(crate) async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Open {
        self.try_open(path, headers).await.unwrap()
    }

    pub(crate) async fn try_open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Open, SocketError> {
        let url = format!("ws://{}{path}", self.host());
        let mut request = url.into_client_request().unwrap();
        let login = format!("Basic {}", BASE64_STANDARD.encode(format!("c:{}", self.password)));
        let default = [("Authorization", login.as_str())];
        for (name, value) in default.iter().chain(headers) {
            let name = name.parse::<reqwest::header::HeaderName>().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = self.peer.connect().await;
        Ok(tokio_tungstenite::client_async(request, stream).await?.0)
    }

    /// Opens a websocket and reads it to its end.
    pub(crate) async fn read_socket(&self, path: &str, headers: &[(&str, &str)]) -> Received {
        let mut socket = self.open(path, headers).await;
        read_until(&mut socket, |_| false).await
    }

    /// Sends raw bytes; returns what is received until the connection closes.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut socket = self.peer.connect().await;
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Reads a websocket until `enough` is satisfied, or to its end.
pub(crate) async fn read_until(socket: &mut Open, enough: impl Fn(&str) -> bool) -> Received {
    let mut received = Received { text: String::new(), ended: false, closed: None };
    let reading = async {
        while !enough(&received.text) {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => received.text.push_str(&text),
                Some(Ok(Message::Binary(bytes))) => received.ended = bytes.is_empty(),
                Some(Ok(Message::Close(frame))) => {
                    received.closed = frame.map(|frame| frame.code.into());
                }
                Some(Ok(_)) => (),
                Some(Err(_)) | None => break,
            }
        }
    };
    if tokio::time::timeout(TEST_TIMEOUT, reading).await.is_err() {
        panic!("still waiting after {received:?}");
    }
    if received.closed.is_none() {
        // The peer may have closed already.
        let _ = socket.close(None).await;
        let _ = socket.flush().await;
    }
    received
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::from(text)))
}
