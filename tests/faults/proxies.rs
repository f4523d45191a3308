//! `proxy`: what can happen to the tunnel of a connection, while others go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::port::Port;
use crate::support::proxy::{Proxy, Received, Setup};
use crate::support::{PASSWORD, PATIENCE, Running, TestRack, app, until};

/// A service that greets, and sends back what it gets.
const ECHO: &str = r#"
import os, socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"hello\n")
        while data := self.rfile.read1(1 << 16):
            self.wfile.write(data)

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

Server(("127.0.0.1", int(os.environ["PORT"])), Echo).serve_forever()
"#;

/// A service that logs how its connections have ended.
const SINK: &str = r#"
import os, socketserver

class Sink(socketserver.BaseRequestHandler):
    def handle(self):
        size = 0
        try:
            while data := self.request.recv(1 << 16):
                if size == 0:
                    print("has begun", flush=True)
                size += len(data)
            print("an ordinary end after", size, flush=True)
        except ConnectionResetError:
            print("was reset", flush=True)

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

Server(("127.0.0.1", int(os.environ["PORT"])), Sink).serve_forever()
"#;

const MANIFEST: &str = "services:\n  web:\n    command: python3 web.py\n    port: 3000\n";

/// What can happen to the websocket of a connection.
const FAULTS: [Fault; 20] = [
    Fault::Reset,
    Fault::Lost,
    Fault::Hang,
    Fault::Middle,
    Fault::Status(401),
    Fault::Status(404),
    Fault::Status(500),
    Fault::Status(502),
    Fault::CarriedOut(502),
    Fault::Html,
    Fault::Cut(0),
    Fault::Cut(1),
    Fault::Cut(7),
    Fault::Cut(1000),
    Fault::Cut(100_000),
    Fault::Close(1001),
    Fault::Close(1008),
    Fault::Close(1011),
    Fault::Close(1012),
    Fault::Close(1000),
];

/// What goes through a connection.
fn data() -> Vec<u8> {
    (0..300_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A rack with an app of one service.
async fn rack(service: &str) -> TestRack {
    let rack = TestRack::temporary();
    rack.api.post("/apps", &[("name", "web")]).await;
    let archive = app::archive(&[("convox.yml", MANIFEST), ("web.py", service)]);
    let (_, release) = rack.api.build("web", &archive).await;
    rack.api.promote("web", &release).await;
    rack
}

/// `convox proxy` on a port of its own, in front of which requests go through `proxy`.
struct Serving {
    running: Running,
    port: Port,
    _home: tempfile::TempDir,
}

impl Serving {
    fn start(proxy: &Proxy) -> Self {
        Self::to("web.web", proxy)
    }

    fn to(host: &str, proxy: &Proxy) -> Self {
        let (port, home) = (Port::any(), tempfile::tempdir().unwrap());
        let target = format!("{}:{host}:3000", port.address.port());
        let cli = Cli::new(&["proxy", &target], home.path()).at(proxy.address, PASSWORD);
        let running = cli.env("CONVOX_RETRY", "1").start();
        running.shows("proxying localhost:");
        Self { running, port, _home: home }
    }

    fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(self.port.address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    }
}

/// Sends everything, ends, and returns what came back.
fn echoed(mut connection: TcpStream) -> std::io::Result<Vec<u8>> {
    let mut writer = connection.try_clone()?;
    let sending = std::thread::spawn(move || {
        writer.write_all(&data())?;
        writer.shutdown(std::net::Shutdown::Write)
    });
    let mut received = Vec::new();
    let read = connection.read_to_end(&mut received);
    let sent = sending.join().unwrap();
    read.and(sent).map(|()| received)
}

fn is_whole(received: &[u8]) -> bool {
    received.strip_prefix(b"hello\n") == Some(&data())
}

#[test]
fn a_tunnel_that_breaks_resets_its_connection_and_no_other() {
    let runtime = runtime();
    let rack = runtime.block_on(rack(ECHO));
    let mut wrong = Vec::new();
    for fault in FAULTS {
        // The second of three connections.
        let script = move |request: &Received| match request.nth {
            2 if request.key.starts_with("SOCKET ") => fault,
            _ => Fault::Pass,
        };
        let proxy = runtime.block_on(async { Proxy::start(Setup::new(rack.address, script)) });
        let serving = Serving::start(&proxy);
        let mut first = serving.connect();
        let mut greeting = [0; 6];
        first.read_exact(&mut greeting).unwrap();
        let second = echoed(serving.connect());
        // These codes are ends of the data, which the local program may see before the reset.
        let is_end = matches!(fault, Fault::Close(1000 | 1001));
        if let (false, Ok(bytes)) = (is_end, second) {
            wrong.push(format!("{fault}: an ordinary end after {} bytes", bytes.len()));
        }
        if !runtime.block_on(within(&serving.running, "WARNING: web.web:3000: ")) {
            wrong.push(format!("{fault}: no warning in {}", serving.running.err.text()));
        }
        first.write_all(b"still here").unwrap();
        let mut answer = [0; 10];
        first.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"still here", "{fault}");
        assert!(is_whole(&echoed(serving.connect()).unwrap()), "{fault}: the third connection");
        serving.running.interrupt();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn within(running: &Running, text: &str) -> bool {
    let shown = running.err.until(|shown| shown.contains(text));
    tokio::time::timeout(Duration::from_secs(10), shown).await.unwrap_or(false)
}

#[test]
fn a_proxy_outlives_an_outage_of_its_rack() {
    let runtime = runtime();
    let rack = runtime.block_on(rack(ECHO));
    let proxy = runtime.block_on(async { Proxy::start(Setup::new(rack.address, |_| Fault::Pass)) });
    let serving = Serving::start(&proxy);
    assert!(is_whole(&echoed(serving.connect()).unwrap()));
    runtime.block_on(proxy.state.shut());
    assert!(echoed(serving.connect()).is_err(), "an ordinary end");
    serving.running.shows("WARNING: web.web:3000: can't reach the rack");
    proxy.state.open();
    until("the rack", || {
        echoed(serving.connect()).is_ok_and(|bytes| is_whole(&bytes)).then_some(())
    });
    serving.running.interrupt();
    let ran = serving.running.end();
    assert_eq!(ran.code, 130, "{ran}");
}

/// Sends a part of something, and returns the open connection once the service has got of it.
async fn begun(serving: &Serving, rack: &TestRack, times: usize) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt;
    let mut connection = tokio::net::TcpStream::connect(serving.port.address).await.unwrap();
    connection.write_all(b"a part").await.unwrap();
    log_has(rack, "has begun", times).await;
    connection
}

async fn log_has(rack: &TestRack, text: &str, times: usize) {
    let logged = async {
        while rack.api.app_log("web").await.matches(text).count() < times {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let logged = tokio::time::timeout(PATIENCE, logged).await;
    assert!(logged.is_ok(), "{text} {times} times in {}", rack.api.app_log("web").await);
}

#[test]
fn what_breaks_off_on_this_side_does_not_reach_a_service_as_an_ordinary_end() {
    let runtime = runtime();
    let rack = runtime.block_on(rack(SINK));
    let listed = runtime.block_on(rack.api.get("/apps/web/processes"));
    let process = listed[0]["id"].as_str().unwrap().to_owned();
    for (nth, host) in [process.as_str(), "web.web"].into_iter().enumerate() {
        let (begin, end) = (3 * nth, 2 * nth);
        let proxy =
            runtime.block_on(async { Proxy::start(Setup::new(rack.address, |_| Fault::Pass)) });
        let serving = Serving::to(host, &proxy);
        runtime.block_on(async {
            let whole = begun(&serving, &rack, begin + 1).await;
            drop(whole);
            log_has(&rack, "an ordinary end after 6", nth + 1).await;
            // A program that ends in the middle of what it sends.
            let broken = begun(&serving, &rack, begin + 2).await;
            broken.set_zero_linger().unwrap();
            drop(broken);
            log_has(&rack, "was reset", end + 1).await;
            // The client itself is killed.
            let _open = begun(&serving, &rack, begin + 3).await;
            serving.running.signal(rustix::process::Signal::KILL);
            log_has(&rack, "was reset", end + 2).await;
        });
    }
}
