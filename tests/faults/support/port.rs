//! A port that nobody else is given, though nobody may be listening on it.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

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
        let keeper = bound(SocketAddr::from(([127, 0, 0, 1], number)))?;
        let address = keeper.local_addr()?;
        Ok(Self { _keeper: keeper, address })
    }

    /// Listens on it; closing the listener makes connections be refused again.
    pub(crate) fn listen(&self) -> TcpListener {
        bound(self.address).unwrap().listen(1024).unwrap()
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
