//! A layer between the program and a rack that does to a request what a test wants.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::PATIENCE;
use super::carry::Carrier;
use super::fault::Fault;
use super::http::{Head, Wire};
use super::port::Port;
use super::rack::Killable;

/// A request as it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and path, ids replaced: `GET /apps/APP/builds/BUILD`; sockets are `SOCKET …`.
    pub(crate) key: String,
    /// How often this one was asked, from 1.
    pub(crate) nth: usize,
    /// Method and path.
    pub(crate) line: String,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) asked: Asked,
    pub(crate) at: tokio::time::Instant,
    /// When it arrived and when its answer began, in the order of all such moments.
    pub(crate) arrived: usize,
    pub(crate) answered: Option<usize>,
    /// What the rack itself answered, if it was asked.
    pub(crate) rack: Option<u16>,
    /// The body travelled in chunks.
    pub(crate) chunked: bool,
}

pub(crate) type Script = Arc<dyn Fn(&Asked) -> Fault + Send + Sync>;

/// What connections of a proxy share.
pub(crate) struct Desk {
    pub(crate) upstream: SocketAddr,
    pub(crate) rack: Option<Arc<Killable>>,
    script: Script,
    records: Mutex<Vec<Record>>,
    moments: Mutex<usize>,
    /// Answers close their connection.
    pub(crate) hasty: bool,
    door: watch::Sender<Door>,
    shut: watch::Sender<bool>,
    /// Pings of the client that passed.
    pub(crate) pings: watch::Sender<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Shut,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) desk: Arc<Desk>,
    end: CancellationToken,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// How a proxy is set up.
pub(crate) struct Setup {
    pub(crate) upstream: SocketAddr,
    pub(crate) rack: Option<Arc<Killable>>,
    pub(crate) hasty: bool,
    pub(crate) script: Script,
}

impl Setup {
    pub(crate) fn new(
        upstream: SocketAddr,
        script: impl Fn(&Asked) -> Fault + Send + Sync + 'static,
    ) -> Self {
        Self { upstream, rack: None, hasty: false, script: Arc::new(script) }
    }
}

impl Proxy {
    pub(crate) fn start(setup: Setup) -> Self {
        let port = Port::any();
        let address = port.address;
        let desk = Arc::new(Desk {
            upstream: setup.upstream,
            rack: setup.rack,
            script: setup.script,
            records: Mutex::default(),
            moments: Mutex::default(),
            hasty: setup.hasty,
            door: watch::Sender::new(Door::Open),
            shut: watch::Sender::new(false),
            pings: watch::Sender::new(0),
        });
        let end = CancellationToken::new();
        let listener = port.listen();
        tokio::spawn(end.clone().run_until_cancelled_owned(attend(
            port,
            listener,
            desk.clone(),
            end.clone(),
        )));
        Self { address, desk, end }
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.desk.records.lock().unwrap().clone()
    }

    /// How often the rack has carried out a request with this key.
    pub(crate) fn carried_out(&self, key: &str) -> usize {
        let done = |record: &&Record| {
            record.asked.key == key && record.rack.is_some_and(|status| status < 300)
        };
        self.records().iter().filter(done).count()
    }

    /// Waits until this was asked so often.
    pub(crate) async fn until_asked(&self, key: &str, times: usize) {
        let asked = async {
            while self.asked(key) < times {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap();
    }

    pub(crate) fn asked(&self, key: &str) -> usize {
        self.records().iter().filter(|record| record.asked.key == key).count()
    }
}

impl Desk {
    /// Refuses connections from now on.
    pub(crate) async fn shut(&self) {
        self.door.send_replace(Door::Shut);
        self.shut.subscribe().wait_for(|shut| *shut).await.unwrap();
    }

    /// Takes connections again.
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
        let nth = records.iter().filter(|record| record.asked.key == key).count() + 1;
        let asked = Asked { key, nth, line };
        let fault = (self.script)(&asked);
        let arrived = self.moment();
        records.push(Record {
            asked,
            at: tokio::time::Instant::now(),
            arrived,
            answered: None,
            rack: None,
            chunked: head.is_chunked(),
        });
        (records.len() - 1, fault)
    }

    /// Tells the script of something that is no request.
    pub(crate) fn tell(&self, what: &str) {
        let asked = Asked { key: what.to_owned(), nth: 1, line: what.to_owned() };
        (self.script)(&asked);
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
    desk: Arc<Desk>,
    end: CancellationToken,
) {
    let mut door = desk.door.subscribe();
    let mut listener = Some(listener);
    loop {
        let Some(open) = &listener else {
            door.wait_for(|door| *door == Door::Open).await.unwrap();
            listener = Some(port.listen_again().await);
            desk.shut.send_replace(false);
            continue;
        };
        let accepted = tokio::select! {
            accepted = open.accept() => accepted,
            _ = door.wait_for(|door| *door == Door::Shut) => {
                listener = None;
                desk.shut.send_replace(true);
                continue;
            }
        };
        let Ok((stream, _)) = accepted else { continue };
        tokio::spawn(end.clone().run_until_cancelled_owned(serve(stream, desk.clone())));
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    drop(stream.set_nodelay(true));
    let mut client = Wire::new(stream);
    while let Ok(Some(head)) = client.head().await {
        let (index, fault) = desk.arrive(&head);
        let carrier = Carrier { desk: &desk, index, head };
        match carrier.carry(&mut client, fault).await {
            Ok(super::carry::After::KeepAlive) => {}
            Ok(super::carry::After::Close) => return,
            // Reset, so that nothing looks like an end.
            Ok(super::carry::After::Reset) | Err(_) => {
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
    ]);
    let mut key = String::new();
    let mut segments = path.split('/').skip(1);
    while let Some(segment) = segments.next() {
        key = format!("{key}/{segment}");
        let Some(name) = names.get(segment) else { continue };
        match segments.next() {
            // Keys have slashes in them.
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
