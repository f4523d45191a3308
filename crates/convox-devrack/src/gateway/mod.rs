//! The stable address of a service: a loopback port that forwards connections to the ready processes
//! of the newest release, one after the other.
//!
//! HTTP requests get the headers `X-Forwarded-For` and `X-Forwarded-Proto`, as on real racks. Other
//! protocols are passed on unchanged.

mod forwarded;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::forwarded::RequestRewriter;

/// The size of one read, in bytes.
const STEP: usize = 32 * 1024;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Pause after accepting fails, for example because no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening gateway, closed when its last clone is dropped. Open connections last until the
/// process behind them ends.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: SocketAddr,
    target: Arc<Mutex<Target>>,
    accepting: AbortHandle,
}

/// The processes that connections are passed on to.
#[derive(Debug, Default)]
struct Target {
    /// The promote that started them: promotes are numbered.
    generation: u64,
    /// Empty while no process is ready.
    backends: Vec<Backend>,
    /// The number of connections so far, which are passed on in turn.
    connections: usize,
}

/// A ready process.
#[derive(Debug)]
struct Backend {
    port: u16,
    /// Every connection holds a receiver.
    in_use: watch::Sender<()>,
}

impl Backend {
    fn new(port: u16) -> Self {
        Self { port, in_use: watch::Sender::default() }
    }
}

/// A port to pass a connection on to, in use until it is dropped.
type Route = (u16, watch::Receiver<()>);

impl Target {
    /// Returns the processes for the next connection: the one whose turn it is comes first, the
    /// others are tried if it can't be reached.
    fn next_routes(&mut self) -> Vec<Route> {
        let first = self.connections.checked_rem(self.backends.len()).unwrap_or_default();
        self.connections = self.connections.wrapping_add(1);
        let (before, from) = self.backends.split_at(first);
        let routes = from.iter().chain(before);
        routes.map(|backend| (backend.port, backend.in_use.subscribe())).collect()
    }
}

/// The connections to processes that an address no longer leads to.
#[derive(Debug, Default)]
pub struct Connections(Vec<watch::Sender<()>>);

impl Connections {
    /// Waits until all connections have ended.
    pub async fn ended(self) {
        for in_use in self.0 {
            in_use.closed().await;
        }
    }

    /// Waits until all connections have ended, but not longer than `limit`: keep-alive connections
    /// stay open.
    pub async fn ended_within(self, limit: Duration) {
        // After the limit the processes get a TERM, and may still finish their work.
        let _ = tokio::time::timeout(limit, self.ended()).await;
    }
}

impl FromIterator<Connections> for Connections {
    fn from_iter<T: IntoIterator<Item = Self>>(all: T) -> Self {
        Self(all.into_iter().flat_map(|connections| connections.0).collect())
    }
}

impl FromIterator<Backend> for Connections {
    fn from_iter<T: IntoIterator<Item = Backend>>(backends: T) -> Self {
        Self(backends.into_iter().map(|backend| backend.in_use).collect())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Gateway {
    /// Listens on a loopback port: on `port` or, if `None`, on a free one.
    ///
    /// # Errors
    /// Fails with `AddrInUse` if another program uses the port.
    pub async fn bind(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind(loopback(port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let target = Arc::new(Mutex::new(Target::default()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&target))).abort_handle();
        Ok(Self(Arc::new(Inner { address, target, accepting })))
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Routes new connections to these ports, and to no others. Returns the open connections to the
    /// previous processes. Does nothing if a later promote, with a higher `generation`, has taken
    /// over.
    pub fn route_to(&self, generation: u64, ports: impl IntoIterator<Item = u16>) -> Connections {
        let mut target = self.target();
        if generation < target.generation {
            return Connections::default();
        }
        target.generation = generation;
        let backends = ports.into_iter().map(Backend::new).collect();
        std::mem::replace(&mut target.backends, backends).into_iter().collect()
    }

    /// Routes new connections to this port, too. Does nothing if another promote has taken over.
    pub fn add(&self, generation: u64, port: u16) {
        let mut target = self.target();
        if generation == target.generation {
            target.backends.push(Backend::new(port));
        }
    }

    /// Routes no new connections to this port. Returns the open ones. Does nothing if another
    /// promote has taken over.
    pub fn remove(&self, generation: u64, port: u16) -> Connections {
        let mut target = self.target();
        if generation != target.generation {
            return Connections::default();
        }
        target.backends.extract_if(.., |backend| backend.port == port).collect()
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.0.target.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `127.0.0.1:port`.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

async fn accept(listener: TcpListener, target: Arc<Mutex<Target>>) {
    loop {
        let Ok((client, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let routes = target.lock().unwrap_or_else(PoisonError::into_inner).next_routes();
        tokio::spawn(forward(client, peer, routes));
    }
}

/// Connects to the first process that can be reached.
async fn connect(routes: Vec<Route>) -> Option<(TcpStream, watch::Receiver<()>)> {
    for (port, in_use) in routes {
        let connecting = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(loopback(port)));
        if let Ok(Ok(process)) = connecting.await {
            return Some((process, in_use));
        }
    }
    None
}

/// What breaks on one side is reset on the other, which could take an ordinary end for that of the
/// data.
async fn forward(mut client: TcpStream, peer: SocketAddr, routes: Vec<Route>) {
    let Some((mut process, in_use)) = connect(routes).await else { return };
    // Small packets are sent at once (TCP_NODELAY).
    let _ = (client.set_nodelay(true), process.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_process, to_process) = process.split();
    let requests = forward_requests(from_client, to_process, RequestRewriter::new(peer.ip()));
    let responses = forward_responses(from_process, to_client);
    if tokio::try_join!(requests, responses).is_err() {
        let _ = (client.set_zero_linger(), process.set_zero_linger());
    }
    drop(in_use);
}

async fn forward_requests(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut rewriter: RequestRewriter,
) -> io::Result<()> {
    let (mut input, mut output) = (vec![0; STEP], Vec::new());
    // A process that reads no more may have responded already. Its response arrives if the rest of
    // the request is read.
    let mut is_read = true;
    loop {
        let count = from.read(&mut input).await?;
        output.clear();
        match &input[..count] {
            [] => rewriter.finish(&mut output),
            piece => rewriter.push(piece, &mut output),
        }
        is_read = is_read && to.write_all(&output).await.is_ok();
        if count == 0 {
            // It fails if the process is gone, which its response shows.
            let _ = to.shutdown().await;
            return Ok(());
        }
    }
}

async fn forward_responses(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}

#[cfg(test)]
mod tests;
