//! A server with a script, for responses that the development rack never gives.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::frames;
use super::http::Wire;
use super::rack::{PASSWORD, runtime};

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Method and path, with the query: `GET /apps/web/releases?limit=1`.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A header; names are in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A response, byte for byte.
#[derive(Debug, Clone, Default)]
pub struct Response {
    bytes: Vec<u8>,
    frames: Option<Vec<String>>,
    pings: usize,
    hangs: bool,
    breaks: bool,
}

impl Response {
    /// 200 with JSON.
    pub fn json(text: &str) -> Self {
        Self::of(200, "application/json", text)
    }

    /// The same with its JSON changed, if it is JSON.
    pub fn with_json(self, change: fn(&mut serde_json::Value)) -> Self {
        let text = String::from_utf8_lossy(&self.bytes);
        let body =
            text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
        let Some(mut value) = body else { return self };
        change(&mut value);
        Self::json(&value.to_string())
    }

    /// A status with plain text, as racks refuse requests.
    pub fn refusal(status: u16, text: &str) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text)
    }

    /// A page, as proxies in front of racks send them.
    pub fn html(status: u16) -> Self {
        Self::of(status, "text/html", "<html>\n<body><h1>It works!</h1></body>\n</html>\n")
    }

    /// A status and a body of this type.
    pub fn of(status: u16, kind: &str, body: &str) -> Self {
        Self::raw(format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// These bytes; then the connection is closed. Without any bytes, the response is lost.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    /// No response, for as long as the client waits.
    pub fn silence() -> Self {
        Self { hangs: true, ..Self::default() }
    }

    /// A socket that sends these texts and the end frame.
    pub fn log(frames: &[&str]) -> Self {
        let frames = frames.iter().map(ToString::to_string).collect();
        Self { frames: Some(frames), ..Self::default() }
    }

    /// The same after this many thousands of pings, whose answers are not read.
    pub fn log_after_pings(thousands: usize, frames: &[&str]) -> Self {
        Self { pings: thousands, ..Self::log(frames) }
    }

    /// A socket that sends these texts and breaks.
    pub fn cut_log(frames: &[&str]) -> Self {
        Self { breaks: true, ..Self::log(frames) }
    }

    /// A socket that sends these texts and stays open.
    pub fn open_log(frames: &[&str]) -> Self {
        Self { hangs: true, ..Self::log(frames) }
    }
}

type Script = Arc<dyn Fn(&Request) -> Response + Send + Sync>;

/// A server that follows a script. It ends with the test process.
pub struct MockServer {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl MockServer {
    /// Serves on a free port. The script may block.
    pub fn new(script: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Script) = (Arc::clone(&requests), Arc::new(script));
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                // A client may go away at any time.
                tokio::spawn(async move { drop(serve(stream, &log, script).await) });
            }
        });
        Self { port, requests }
    }

    /// RACK_URL for it.
    pub fn url(&self) -> String {
        format!("http://convox:{PASSWORD}@{}", self.host())
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of requests with this line.
    pub fn count(&self, line: &str) -> usize {
        self.requests().iter().filter(|request| request.line == line).count()
    }

    /// The only request with this line.
    pub fn one(&self, line: &str) -> Request {
        let requests = self.requests();
        let mut found = requests.iter().filter(|request| request.line == line);
        match (found.next(), found.next()) {
            (Some(request), None) => request.clone(),
            _ => panic!("{line} is not once among {requests:?}"),
        }
    }
}

async fn serve(
    stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    script: Script,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream);
    let Ok(request) = read(&mut wire).await else {
        return wire.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    };
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let key = request.header("sec-websocket-key").unwrap_or_default().to_owned();
    let response = tokio::task::spawn_blocking(move || script(&request)).await?;
    if let Some(texts) = &response.frames {
        wire.send(upgrade(&key).as_bytes()).await?;
        let pings = frames::ping().repeat(1000);
        for _ in 0..response.pings {
            wire.send(&pings).await?;
        }
        for text in texts {
            wire.send(&frames::text(text)).await?;
        }
        if response.breaks {
            return Ok(());
        }
        if !response.hangs {
            wire.send(&frames::end()).await?;
        }
    }
    if response.frames.is_some() || response.hangs {
        wire.drain().await;
        return Ok(());
    }
    wire.send(&response.bytes).await
}

fn upgrade(key: &str) -> String {
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

async fn read(wire: &mut Wire<TcpStream>) -> io::Result<Request> {
    let head = wire.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let body = wire.content(&head).await?;
    let line = head.words[..head.words.len().min(2)].join(" ");
    Ok(Request { line, headers: head.headers, body })
}

/// The responses of a v3 rack with one app, one build and one release; 404 to everything else.
pub fn ordinary(ask: &Request) -> Response {
    let app = r#"{"name":"web","status":"running","release":"RACTIVE","generation":"3"}"#;
    let release = r#"{"id":"RACTIVE","app":"web","build":"BACTIVE","env":"A=1",
        "created":"2020-01-01T00:00:00Z","manifest":"services: {}"}"#;
    let build = r#"{"id":"BACTIVE","app":"web","status":"complete","release":"RACTIVE",
        "started":"2020-01-01T00:00:00Z","ended":"2020-01-01T00:01:05Z"}"#;
    let path = ask.line.split('?').next().unwrap_or_default();
    match path {
        "GET /system" => Response::json(
            r#"{"name":"test","provider":"aws","region":"us-east-1","status":"running",
                "version":"3.24.6"}"#,
        ),
        "GET /apps" => Response::json(&format!("[{app}]")),
        "GET /apps/web" => Response::json(app),
        "GET /apps/web/releases" => Response::json(&format!("[{release}]")),
        "GET /apps/web/releases/RACTIVE" => Response::json(release),
        "GET /apps/web/builds" => Response::json(&format!("[{build}]")),
        "GET /apps/web/builds/BACTIVE" => Response::json(build),
        "GET /apps/web/services" | "GET /apps/web/processes" => Response::json("[]"),
        _ => Response::refusal(404, ""),
    }
}
