//! A port that no other program gets, even while nothing listens on it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

use super::PATIENCE;

/// A port that is reserved by a socket which is bound to it and never listens.
pub(crate) struct Port {
    _keeper: TcpSocket,
    pub(crate) address: SocketAddr,
}

impl Port {
    /// Reserves a free port. Linux may choose one that another socket has reserved if both allow it
    /// to be shared before they are bound, so this one does so afterward.
    pub(crate) fn any() -> Self {
        let keeper = TcpSocket::new_v4().unwrap();
        keeper.bind(([127, 0, 0, 1], 0).into()).unwrap();
        keeper.set_reuseaddr(true).unwrap();
        let address = keeper.local_addr().unwrap();
        Self { _keeper: keeper, address }
    }

    /// Reserves a port as soon as its listener is closed.
    pub(crate) fn as_soon_as_free(number: u16) -> Self {
        let give_up = std::time::Instant::now() + PATIENCE;
        loop {
            match Self::of(number) {
                Ok(port) => return port,
                Err(error) => assert!(std::time::Instant::now() < give_up, "{error}"),
            }
            std::thread::yield_now();
        }
    }

    fn of(number: u16) -> io::Result<Self> {
        let keeper = bound(SocketAddr::from(([127, 0, 0, 1], number)))?;
        let address = keeper.local_addr()?;
        Ok(Self { _keeper: keeper, address })
    }

    /// Listens on it. When the listener is closed, connections are refused again.
    pub(crate) fn listen(&self) -> TcpListener {
        self.try_listen().unwrap()
    }

    fn try_listen(&self) -> io::Result<TcpListener> {
        bound(self.address)?.listen(1024)
    }

    /// Listens on it again. A connection that was attempted meanwhile may have got this port as its
    /// local one, and thus connected to itself: waits for its end.
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
