//! A port that nobody else is given, though nobody may be listening on it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

use super::PATIENCE;

/// Keeps a port: bound, never listening.
pub(crate) struct Port {
    _keeper: TcpSocket,
    pub(crate) address: SocketAddr,
}

impl Port {
    pub(crate) fn any() -> Self {
        Self::of(0).unwrap()
    }

    pub(crate) fn of(number: u16) -> io::Result<Self> {
        let session_sink = bound(SocketAddr::from(([127, 0, 0, 1], number)))?;
        let address = session_sink.local_addr()?;
        Ok(Self { _keeper: session_sink, address })
    }

    /// Listens on it; closing the listener makes connections be refused again.
    pub(crate) fn listen(&self) -> TcpListener {
        self.try_listen().unwrap()
    }

    fn try_listen(&self) -> io::Result<TcpListener> {
        bound(self.address)?.listen(1024)
    }

    /// Listens on it once more. A connection that was tried meanwhile may have got this very port as
    /// its own, and met itself: its end is waited for.
    pub(crate) async fn listen_again(&self) -> TcpListener {
        let give_up = Instant::now() + PATIENCE;
        loop {
            match self.try_listen() {
                Ok(listener) => return listener,
                Err(error) => assert!(Instant::now() < give_up, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
