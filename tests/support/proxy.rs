//! A proxy between the program and a rack that makes requests fail as a test wants.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::PATIENCE;
use super::fault::Fault;
use super::forward::Forwarder;
use super::http::{Head, Wire};
use super::killable::Killable;
use super::port::Port;
use super::upstream::Upstream;

/// A request that has arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Method and path with names for the ids: `GET /apps/APP/builds/BUILD`. The method of a
    /// websocket is `SOCKET`.
    pub(crate) key: String,
    /// The number of requests with this key so far, from 1.
    pub(crate) nth: usize,
    /// Method and path.
    pub(crate) line: String,
}

/// What happened to a request.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) request: Received,
    pub(crate) at: tokio::time::Instant,
    /// When it arrived and when its response began, numbered in the order of all such events.
    pub(crate) arrived: usize,
    pub(crate) answered: Option<usize>,
    /// The status of the rack's own response, if the request reached it.
    pub(crate) rack: Option<u16>,
    /// Whether the body was sent in chunks.
    pub(crate) chunked: bool,
}

pub(crate) type Script = Arc<dyn Fn(&Received) -> Fault + Send + Sync>;

/// What the connections of a proxy share.
pub(crate) struct State {
    pub(crate) upstream: Upstream,
    pub(crate) rack: Option<Arc<Killable>>,
    script: Script,
    records: Mutex<Vec<Record>>,
    moments: Mutex<usize>,
    /// Whether each response closes its connection.
    pub(crate) closes: bool,
    door: watch::Sender<Door>,
    shut: watch::Sender<bool>,
    was_shut: AtomicBool,
    /// The number of the client's pings.
    pub(crate) pings: watch::Sender<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Shut,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<State>,
    end: CancellationToken,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// The options of a proxy.
pub(crate) struct Setup {
    pub(crate) upstream: Upstream,
    pub(crate) rack: Option<Arc<Killable>>,
    pub(crate) closes: bool,
    pub(crate) script: Script,
}

impl Setup {
    pub(crate) fn new(
        upstream: impl Into<Upstream>,
        script: impl Fn(&Received) -> Fault + Send + Sync + 'static,
    ) -> Self {
        Self { upstream: upstream.into(), rack: None, closes: false, script: Arc::new(script) }
    }
}

impl Proxy {
    pub(crate) fn start(setup: Setup) -> Self {
        let port = Port::any();
        let address = port.address;
        let state = Arc::new(State {
            upstream: setup.upstream,
            rack: setup.rack,
            script: setup.script,
            records: Mutex::default(),
            moments: Mutex::default(),
            closes: setup.closes,
            door: watch::Sender::new(Door::Open),
            shut: watch::Sender::new(false),
            was_shut: AtomicBool::new(false),
            pings: watch::Sender::new(0),
        });
        let end = CancellationToken::new();
        let listener = port.listen();
        tokio::spawn(end.clone().run_until_cancelled_owned(attend(
            port,
            listener,
            state.clone(),
            end.clone(),
        )));
        Self { address, state, end }
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.state.records.lock().unwrap().clone()
    }

    /// How often the rack has accepted a request with this key.
    pub(crate) fn carried_out(&self, key: &str) -> usize {
        let done = |record: &&Record| {
            record.request.key == key && record.rack.is_some_and(|status| status < 300)
        };
        self.records().iter().filter(done).count()
    }

    /// Waits until there were that many requests with this key.
    pub(crate) async fn until_count(&self, key: &str, times: usize) {
        let asked = async {
            while self.count(key) < times {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap();
    }

    pub(crate) fn count(&self, key: &str) -> usize {
        self.records().iter().filter(|record| record.request.key == key).count()
    }
}

impl State {
    /// Refuses connections from now on.
    pub(crate) async fn shut(&self) {
        self.was_shut.store(true, Ordering::Relaxed);
        self.door.send_replace(Door::Shut);
        self.shut.subscribe().wait_for(|shut| *shut).await.unwrap();
    }

    /// Whether connections have been refused before.
    pub(crate) fn was_shut(&self) -> bool {
        self.was_shut.load(Ordering::Relaxed)
    }

    /// Accepts connections again.
    pub(crate) fn open(&self) {
        self.door.send_replace(Door::Open);
    }

    fn moment(&self) -> usize {
        let mut moments = self.moments.lock().unwrap();
        *moments += 1;
        *moments
    }

    pub(crate) fn arrive(&self, head: &Head) -> (usize, Fault) {
        let line = format!("{} {}", head.words[0], head.words[1]);
        let key = key_of(head);
        let mut records = self.records.lock().unwrap();
        let nth = records.iter().filter(|record| record.request.key == key).count() + 1;
        let request = Received { key, nth, line };
        let fault = (self.script)(&request);
        let arrived = self.moment();
        records.push(Record {
            request,
            at: tokio::time::Instant::now(),
            arrived,
            answered: None,
            rack: None,
            chunked: head.is_chunked(),
        });
        (records.len() - 1, fault)
    }

    /// Calls the script for something other than a request.
    pub(crate) fn notify(&self, what: &str) {
        let received = Received { key: what.to_owned(), nth: 1, line: what.to_owned() };
        (self.script)(&received);
    }

    pub(crate) fn note_rack(&self, index: usize, status: u16) {
        self.records.lock().unwrap()[index].rack = Some(status);
    }

    pub(crate) fn note_answer(&self, index: usize) {
        let moment = self.moment();
        self.records.lock().unwrap()[index].answered = Some(moment);
    }
}

async fn attend(
    port: Port,
    listener: tokio::net::TcpListener,
    state: Arc<State>,
    end: CancellationToken,
) {
    let mut door = state.door.subscribe();
    let mut listener = Some(listener);
    loop {
        let Some(open) = &listener else {
            door.wait_for(|door| *door == Door::Open).await.unwrap();
            listener = Some(port.listen_again().await);
            state.shut.send_replace(false);
            continue;
        };
        let accepted = tokio::select! {
            accepted = open.accept() => accepted,
            _ = door.wait_for(|door| *door == Door::Shut) => {
                listener = None;
                state.shut.send_replace(true);
                continue;
            }
        };
        let Ok((stream, _)) = accepted else { continue };
        tokio::spawn(end.clone().run_until_cancelled_owned(serve(stream, state.clone())));
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    drop(stream.set_nodelay(true));
    let mut client = Wire::new(stream);
    while let Ok(Some(head)) = client.head().await {
        let (index, fault) = state.arrive(&head);
        let carrier = Forwarder { state: &state, index, head };
        match carrier.forward(&mut client, fault).await {
            Ok(super::forward::After::KeepAlive) => {}
            Ok(super::forward::After::Close) => return,
            // Reset, so that the client can't take it for the end of a response.
            Ok(super::forward::After::Reset) | Err(_) => {
                drop(client.stream.set_zero_linger());
                return;
            }
        }
    }
}

fn key_of(head: &Head) -> String {
    let is_socket = head.header("upgrade").is_some();
    let method = if is_socket { "SOCKET" } else { &head.words[0] };
    let (path, query) = head.words[1].split_once('?').unwrap_or((&head.words[1], ""));
    let names = HashMap::from([
        ("apps", "APP"),
        ("builds", "BUILD"),
        ("releases", "RELEASE"),
        ("objects", "KEY"),
        ("processes", "PROCESS"),
        ("resources", "RESOURCE"),
    ]);
    let mut key = String::new();
    let mut segments = path.split('/').skip(1);
    while let Some(segment) = segments.next() {
        key = format!("{key}/{segment}");
        let Some(name) = names.get(segment) else { continue };
        match segments.next() {
            // Keys contain slashes.
            Some(_) if *name == "KEY" => {
                key = format!("{key}/KEY");
                break;
            }
            Some(_) => key = format!("{key}/{name}"),
            None => {}
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{method} {key}{query}")
}
