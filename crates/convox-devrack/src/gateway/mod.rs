//! The stable address of a service: a loopback port that forwards connections to the newest ready
//! process.
//!
//! HTTP requests get the headers `X-Forwarded-For` and `X-Forwarded-Proto`, as on real racks. Other
//! protocols are passed on unchanged.

mod forwarded;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
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

/// The process that connections are passed on to.
#[derive(Debug, Default)]
struct Target {
    /// The promote that started it: promotes are numbered.
    generation: u64,
    /// `None` while no process is ready.
    port: Option<u16>,
    /// Every connection holds a receiver.
    in_use: watch::Sender<()>,
}

/// The connections to the previous process of an address.
#[derive(Debug, Default)]
pub struct Connections(Option<watch::Sender<()>>);

impl Connections {
    /// Waits until all connections have ended.
    pub async fn ended(self) {
        if let Some(in_use) = self.0 {
            in_use.closed().await;
        }
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

    /// Routes new connections to `port`, or closes them if `None`. Returns the open connections to
    /// the previous process. Does nothing if a later promote, with a higher `generation`, has taken
    /// over.
    pub fn route_to(&self, generation: u64, port: Option<u16>) -> Connections {
        let mut target = self.0.target.lock().unwrap_or_else(PoisonError::into_inner);
        if generation < target.generation {
            return Connections::default();
        }
        let next = Target { generation, port, in_use: watch::Sender::default() };
        Connections(Some(std::mem::replace(&mut *target, next).in_use))
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
        let (port, in_use) = {
            let target = target.lock().unwrap_or_else(PoisonError::into_inner);
            (target.port, target.in_use.subscribe())
        };
        if let Some(port) = port {
            tokio::spawn(forward(client, peer, port, in_use));
        }
    }
}

/// Errors close the connection, which both sides notice.
async fn forward(client: TcpStream, peer: SocketAddr, port: u16, in_use: watch::Receiver<()>) {
    let connecting = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(loopback(port)));
    let Ok(Ok(process)) = connecting.await else { return };
    // Small packets are sent at once (TCP_NODELAY).
    let _ = (client.set_nodelay(true), process.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_process, to_process) = process.into_split();
    let requests = forward_requests(from_client, to_process, RequestRewriter::new(peer.ip()));
    let responses = forward_responses(from_process, to_client);
    let _ = tokio::try_join!(requests, responses);
    drop(in_use);
}

async fn forward_requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut rewriter: RequestRewriter,
) -> io::Result<()> {
    let (mut input, mut output) = (vec![0; STEP], Vec::new());
    while !rewriter.is_done() {
        let count = from.read(&mut input).await?;
        if count == 0 {
            rewriter.finish(&mut output);
            to.write_all(&output).await?;
            return to.shutdown().await;
        }
        rewriter.push(&input[..count], &mut output);
        to.write_all(&output).await?;
        output.clear();
    }
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}

async fn forward_responses(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}

#[cfg(test)]
mod tests;
