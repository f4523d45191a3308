//! The stable address of a service: a loopback port that passes connections on to whichever
//! process is the newest ready one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Waiting time after the system could not accept, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening gateway; closed when its last clone is dropped. Connections that stand keep going
/// until the process behind them ends.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: SocketAddr,
    target: Arc<Mutex<Target>>,
    accepting: AbortHandle,
}

/// Which promote the address leads to, and the port of its process where one is ready.
#[derive(Debug, Default)]
struct Target {
    generation: u64,
    port: Option<u16>,
    /// Every connection to it holds a receiver.
    in_use: watch::Sender<()>,
}

/// The connections to where an address led before.
#[derive(Debug, Default)]
pub struct Connections(Option<watch::Sender<()>>);

impl Connections {
    /// Waits until all of them have ended.
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
    /// Listens on this loopback port, or on a free one for `None`.
    ///
    /// # Errors
    /// The system's, `AddrInUse` above all.
    pub async fn bind(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind(loopback(port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let target = Arc::new(Mutex::new(Target::default()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&target))).abort_handle();
        Ok(Self(Arc::new(Inner { address, target, accepting })))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Leads new connections to `port`, or nowhere, and gives those that stand. Ignored if a later
    /// promote has taken over: `generation` counts promotes.
    pub fn route_to(&self, generation: u64, port: Option<u16>) -> Connections {
        let mut target = self.0.target.lock().unwrap_or_else(PoisonError::into_inner);
        if generation < target.generation {
            return Connections::default();
        }
        let next = Target { generation, port, in_use: watch::Sender::default() };
        Connections(Some(std::mem::replace(&mut *target, next).in_use))
    }
}

/// `127.0.0.1:port`.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

async fn accept(listener: TcpListener, target: Arc<Mutex<Target>>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (port, in_use) = {
            let target = target.lock().unwrap_or_else(PoisonError::into_inner);
            (target.port, target.in_use.subscribe())
        };
        if let Some(port) = port {
            tokio::spawn(pass(client, port, in_use));
        }
    }
}

/// Errors end the connection, which both sides see; there is nobody else to tell.
async fn pass(mut client: TcpStream, port: u16, in_use: watch::Receiver<()>) {
    let connecting = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(loopback(port)));
    let Ok(Ok(mut process)) = connecting.await else { return };
    // Small answers are not held back for more to come.
    let _ = (client.set_nodelay(true), process.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut process).await;
    drop(in_use);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Answers every connection with `text` and what it was sent, once the client is done sending.
    async fn echo(text: &'static str) -> u16 {
        let listener = TcpListener::bind(loopback(0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut sent = Vec::new();
                    socket.read_to_end(&mut sent).await.unwrap();
                    socket.write_all(text.as_bytes()).await.unwrap();
                    socket.write_all(&sent).await.unwrap();
                });
            }
        });
        port
    }

    async fn ask(address: SocketAddr, body: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let (mut read, mut write) = socket.split();
        let mut answer = Vec::new();
        let send = async {
            // Refused by a gateway that leads nowhere.
            let _ = write.write_all(body).await;
            let _ = write.shutdown().await;
        };
        let receive = async {
            let _ = read.read_to_end(&mut answer).await;
        };
        tokio::join!(send, receive);
        answer
    }

    #[tokio::test]
    async fn new_connections_go_to_the_newest_process_and_half_closed_ones_get_their_answer() {
        let gateway = Gateway::bind(None).await.unwrap();
        gateway.route_to(1, Some(echo("old:").await));
        assert_eq!(ask(gateway.address(), b"hi").await, b"old:hi");
        gateway.route_to(2, Some(echo("new:").await));
        assert_eq!(ask(gateway.address(), b"hi").await, b"new:hi");
    }

    #[tokio::test]
    async fn an_earlier_promote_cannot_take_the_address_back() {
        let gateway = Gateway::bind(None).await.unwrap();
        gateway.route_to(2, Some(echo("new:").await));
        gateway.route_to(1, Some(echo("old:").await));
        gateway.route_to(1, None);
        assert_eq!(ask(gateway.address(), b"").await, b"new:");
    }

    #[tokio::test]
    async fn a_connection_is_closed_while_nothing_is_ready() {
        let gateway = Gateway::bind(None).await.unwrap();
        assert_eq!(ask(gateway.address(), b"").await, b"");
        gateway.route_to(1, Some(closed_port().await));
        assert_eq!(ask(gateway.address(), b"").await, b"");
    }

    async fn closed_port() -> u16 {
        TcpListener::bind(loopback(0)).await.unwrap().local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn connections_to_the_process_before_can_be_waited_for() {
        let gateway = Gateway::bind(None).await.unwrap();
        gateway.route_to(1, Some(echo("old:").await)).ended().await;
        let mut socket = TcpStream::connect(gateway.address()).await.unwrap();
        socket.write_all(b"hi").await.unwrap();
        while gateway.0.target.lock().unwrap().in_use.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        let mut ended = Box::pin(gateway.route_to(2, None).ended());
        tokio::select! {
            biased;
            () = &mut ended => panic!("a connection still stands"),
            () = tokio::task::yield_now() => {}
        }
        socket.shutdown().await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "old:hi");
        tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
        gateway.route_to(1, None).ended().await;
    }

    #[tokio::test]
    async fn large_bodies_pass_whole_both_ways() {
        let gateway = Gateway::bind(None).await.unwrap();
        gateway.route_to(1, Some(echo("").await));
        let body: Vec<u8> = (0..8_000_000u32).map(|n| (n % 251) as u8).collect();
        assert!(ask(gateway.address(), &body).await == body);
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_and_a_dropped_gateway_frees_its_own() {
        let gateway = Gateway::bind(None).await.unwrap();
        let port = gateway.address().port();
        let error = Gateway::bind(Some(port)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(gateway);
        let again = async {
            loop {
                match Gateway::bind(Some(port)).await {
                    Ok(gateway) => return gateway,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let gateway = tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
        assert_eq!(gateway.address().port(), port);
    }
}
