//! The data of a session or tunnel, distinguished from a refusal.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::transport::{Client, CloseReason, SocketReceiver};
use convox_wire::frame::{self, Frame};

/// A refusal is followed by the end within this time. Otherwise it was output.
const REFUSAL_ENDS: Duration = Duration::from_millis(250);

/// The receiving half of a socket whose first frame may be a refusal.
pub(super) struct Incoming {
    client: Client,
    receiver: SocketReceiver,
    is_first: bool,
    /// A first frame that looks like a refusal, and until when it may turn out to be one.
    held: Option<(Bytes, Instant)>,
}

/// What a socket received.
pub(super) enum Received {
    Data(Bytes),
    End,
    /// `ERROR: …`, followed directly by the end.
    Refused(String),
}

impl Incoming {
    pub(super) fn new(client: Client, receiver: SocketReceiver) -> Self {
        Self { client, receiver, is_first: true, held: None }
    }

    /// Receives the next data. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Received, CloseReason> {
        let Some((held, until)) = self.held.clone() else { return self.begin().await };
        let followed = timeout_at(until, self.receiver.next()).await;
        self.held = None;
        match followed {
            Ok(Ok(Frame::End)) => Ok(match frame::refusal(&held) {
                Some(message) => Received::Refused(self.client.redact(message)),
                None => Received::End,
            }),
            Ok(Ok(Frame::Data(data))) => Ok(Received::Data([held, data].concat().into())),
            // The next call reports a broken connection.
            Ok(Err(_)) | Err(_) => Ok(Received::Data(held)),
        }
    }

    async fn begin(&mut self) -> Result<Received, CloseReason> {
        match self.receiver.next().await? {
            Frame::End => Ok(Received::End),
            Frame::Data(data) if self.is_first && frame::refusal(&data).is_some() => {
                self.is_first = false;
                self.held = Some((data, Instant::now() + REFUSAL_ENDS));
                Box::pin(self.next()).await
            }
            Frame::Data(data) => {
                self.is_first = false;
                Ok(Received::Data(data))
            }
        }
    }

    /// Waits until the rack closes the connection.
    pub(super) async fn closed(&mut self) {
        self.receiver.closed().await;
    }
}
