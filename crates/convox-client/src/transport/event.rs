//! What the transport reports while it works: for debug traces and for notices.

use std::sync::Arc;
use std::time::Duration;

use super::RequestLine;

/// Something that happened on the wire. No variant carries a header or a body.
#[derive(Debug, Clone)]
pub enum Event {
    /// A response came.
    Responded {
        /// Method and path.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// Bytes of the body; `None` for a refusal, of which only the message is kept.
        bytes: Option<usize>,
        /// From sending the request to the end of the response.
        took: Duration,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// No response came.
    Failed {
        /// Method and path.
        request: RequestLine,
        /// Why.
        why: String,
        /// From sending the request to the failure.
        took: Duration,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// The request has been repeated for two seconds, and still is. Sent once per request.
    Retrying {
        /// Method and path.
        request: RequestLine,
        /// Why.
        why: String,
        /// For how long it will be repeated.
        budget: Duration,
    },
    /// A response was lost; the rack is being asked whether the request took effect.
    Reconciling {
        /// Method and path.
        request: RequestLine,
        /// Why.
        why: String,
    },
    /// Reconciling found nothing, and the request was sent again successfully. The first one may
    /// still be carried out.
    Resent {
        /// Method and path.
        request: RequestLine,
    },
    /// A websocket is open.
    SocketOpened {
        /// Method and path.
        request: RequestLine,
        /// From sending the handshake to the open socket.
        took: Duration,
    },
    /// A websocket has ended.
    SocketClosed {
        /// Method and path.
        request: RequestLine,
        /// How.
        why: String,
        /// Bytes of data received.
        bytes: u64,
    },
}

/// Receives the events of a client.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
