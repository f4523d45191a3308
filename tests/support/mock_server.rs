//! A scripted server, for answers that the development rack never gives.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::rack::PASSWORD;

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

/// An answer, byte for byte.
#[derive(Debug, Clone, Default)]
pub struct Response {
    bytes: Vec<u8>,
    frames: Option<Vec<String>>,
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

    /// A status with plain text, as racks refuse.
    pub fn refusal(status: u16, text: &str) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text)
    }

    /// A page, as proxies in front of racks show them.
    pub fn html(status: u16) -> Self {
        Self::of(status, "text/html", "<html>\n<body><h1>It works!</h1></body>\n</html>\n")
    }

    /// A status and a body of this kind.
    pub fn of(status: u16, kind: &str, body: &str) -> Self {
        Self::raw(format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Bytes as they are; then the connection is closed. None at all is a lost answer.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    /// No answer, for as long as the client waits.
    pub fn silence() -> Self {
        Self { hangs: true, ..Self::default() }
    }

    /// A socket that sends these texts and the end frame.
    pub fn log(frames: &[&str]) -> Self {
        let frames = frames.iter().map(ToString::to_string).collect();
        Self { frames: Some(frames), ..Self::default() }
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
    asked: Arc<Mutex<Vec<Request>>>,
}

impl MockServer {
    /// Serves on a free port.
    pub fn new(script: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, script): (_, Script) = (Arc::clone(&asked), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heard, script) = (Arc::clone(&heard), Arc::clone(&script));
                std::thread::spawn(move || {
                    // A client that goes away in the middle is nothing to a server.
                    drop(answer(stream, &heard, &script));
                });
            }
        });
        Self { port, asked }
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
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often this was asked.
    pub fn count(&self, line: &str) -> usize {
        self.asked().iter().filter(|ask| ask.line == line).count()
    }

    /// The request of this line, which came once.
    pub fn one(&self, line: &str) -> Request {
        let asked = self.asked();
        let mut found = asked.iter().filter(|ask| ask.line == line);
        match (found.next(), found.next()) {
            (Some(ask), None) => ask.clone(),
            _ => panic!("{line} is not once among {asked:?}"),
        }
    }
}

fn answer(
    mut stream: TcpStream,
    heard: &Mutex<Vec<Request>>,
    script: &Script,
) -> std::io::Result<()> {
    let Ok(ask) = read(&stream) else {
        return stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    };
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(ask.clone());
    let reply = script(&ask);
    if let Some(frames) = reply.frames {
        upgrade(&mut stream, &ask)?;
        for text in frames {
            frame(&mut stream, 0x81, text.as_bytes())?;
        }
        if reply.breaks {
            return Ok(());
        }
        if !reply.hangs {
            frame(&mut stream, 0x82, b"")?;
            frame(&mut stream, 0x88, &1000_u16.to_be_bytes())?;
        }
        return until_closed(&mut stream);
    }
    if reply.hangs {
        return until_closed(&mut stream);
    }
    stream.write_all(&reply.bytes)
}

fn until_closed(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

fn upgrade(stream: &mut TcpStream, ask: &Request) -> std::io::Result<()> {
    let key = derive_accept_key(ask.header("sec-websocket-key").unwrap_or_default().as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {key}\r\n\r\n"
    )
}

/// An unmasked frame of a server (RFC 6455, 5.2).
fn frame(stream: &mut TcpStream, first: u8, bytes: &[u8]) -> std::io::Result<()> {
    let mut frame = vec![first];
    match u16::try_from(bytes.len()).unwrap() {
        length @ ..126 => frame.push(u8::try_from(length).unwrap()),
        length => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(bytes);
    stream.write_all(&frame)
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut ask = Request::default();
    let mut line = String::new();
    reader.read_line(&mut line)?;
    ask.line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        ask.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    if let Some(length) = ask.header("content-length").and_then(|length| length.parse().ok()) {
        ask.body.resize(length, 0);
        reader.read_exact(&mut ask.body)?;
    } else if ask.header("transfer-encoding") == Some("chunked") {
        ask.body = chunks(&mut reader)?;
    }
    Ok(ask)
}

fn chunks(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// What a v3 rack with one app, one build and one release answers; 404 to everything else.
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
