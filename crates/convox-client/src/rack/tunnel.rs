//! Tunnels: a TCP connection into the network of a rack, over a socket.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::incoming::{Incoming, Received};
use super::{Error, Rack};
use crate::path;
use crate::transport::{CloseReason, Headers, SocketSender};

/// The size of one read, in bytes: there may be many tunnels at once.
const STEP: usize = 32 << 10;

/// An open tunnel.
pub struct Tunnel {
    sender: SocketSender,
    incoming: Incoming,
}

/// What a tunnel has carried, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// To the rack.
    pub sent: u64,
    /// From the rack.
    pub received: u64,
}

/// Why a tunnel ended before both sides were done.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The rack's message, sent inside the socket.
    #[error("{0}")]
    Refused(String),
    /// The connection to the rack broke.
    #[error("the tunnel broke: {0}")]
    Broken(#[source] CloseReason),
    /// The local connection broke.
    #[error("the local connection broke: {0}")]
    Local(#[source] io::Error),
}

impl Rack {
    /// Opens a connection to `host:port` as the rack sees it (socket `/proxy/{host}/{port}`; v2,
    /// v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:5432").await?;
    /// let (local, _) = listener.accept().await?;
    /// rack.proxy("database.internal", 5432).await?.carry(local).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Handshake`] and those of the transport; refusals are returned by
    /// [`Tunnel::carry`].
    pub async fn proxy(&self, host: &str, port: u16) -> Result<Tunnel, Error> {
        let path = path!["proxy", host, port.to_string()];
        let socket = self.client.open_command(&path, &Headers::new()).await?;
        let (sender, mut receiver) = socket.split();
        receiver.set_max_step(STEP);
        Ok(Tunnel { sender, incoming: Incoming::new(self.client.clone(), receiver) })
    }
}

impl Tunnel {
    /// Connects a local connection to the tunnel until both directions have ended. Either may end
    /// first: its end is passed on, and the other one continues. There is no buffering: one side is
    /// not read before the other has accepted the previous data.
    ///
    /// # Errors
    /// [`TunnelError`].
    pub async fn carry(self, local: impl AsyncRead + AsyncWrite) -> Result<Carried, TunnelError> {
        let Self { sender, incoming } = self;
        let (reader, writer) = tokio::io::split(local);
        let (sent, received) = tokio::sync::oneshot::channel();
        let up = async {
            let count = send(reader, sender).await?;
            // Fails if the other direction has already ended.
            let _ = sent.send(());
            Ok(count)
        };
        let (sent, received) = tokio::try_join!(up, receive(incoming, writer, received))?;
        Ok(Carried { sent, received })
    }
}

async fn send(
    mut local: impl AsyncRead + Unpin,
    mut sender: SocketSender,
) -> Result<u64, TunnelError> {
    let (mut count, mut buffer) = (0, BytesMut::new());
    loop {
        buffer.reserve(STEP);
        // After a reset, the other end must not take what it has for the whole.
        if local.read_buf(&mut buffer).await.map_err(TunnelError::Local)? == 0 {
            sender.end().await.map_err(TunnelError::Broken)?;
            return Ok(count);
        }
        count += buffer.len() as u64;
        sender.send(buffer.split().freeze()).await.map_err(TunnelError::Broken)?;
    }
}

/// `sent` resolves when the other direction has ended.
async fn receive(
    mut incoming: Incoming,
    mut local: impl AsyncWrite + Unpin,
    sent: tokio::sync::oneshot::Receiver<()>,
) -> Result<u64, TunnelError> {
    let mut count = 0;
    loop {
        match incoming.next().await.map_err(TunnelError::Broken)? {
            Received::Data(data) => {
                local.write_all(&data).await.map_err(TunnelError::Local)?;
                count += data.len() as u64;
            }
            Received::Refused(message) => return Err(TunnelError::Refused(message)),
            Received::End => break,
        }
    }
    // The local program may have closed its side completely.
    let _ = local.shutdown().await;
    // Pings are answered until it has sent everything too.
    tokio::select! {
        _ = sent => Ok(count),
        () = incoming.closed() => Err(TunnelError::Broken(CloseReason::Cut(
            "the rack closed the connection".to_owned(),
        ))),
    }
}
