//! What the transport tells while it works: for `--debug`, and for notices to people.

use std::sync::Arc;
use std::time::Duration;

use super::RequestLine;

/// Something that happened on the wire. No variant carries a header or a body.
#[derive(Debug, Clone)]
pub enum Event {
    /// An answer came.
    Answered {
        /// What was asked.
        call: RequestLine,
        /// The HTTP status.
        status: u16,
        /// Bytes of the answer's body; `None` for a refusal, of which the words alone are kept.
        bytes: Option<usize>,
        /// From sending to the answer's end.
        took: Duration,
        /// 1 for the first try.
        attempt: u32,
    },
    /// No answer came.
    Failed {
        /// What was asked.
        call: RequestLine,
        /// Why.
        why: String,
        /// From sending to the failure.
        took: Duration,
        /// 1 for the first try.
        attempt: u32,
    },
    /// The request has been repeated for two seconds, and still is.
    Retrying {
        /// What was asked.
        call: RequestLine,
        /// Why.
        why: String,
        /// How long it may go on.
        budget: Duration,
    },
    /// An answer was lost; the rack is asked what became of the request.
    Looking {
        /// What was asked.
        call: RequestLine,
        /// Why.
        why: String,
    },
    /// Looking showed nothing, and the request was sent again with success. The first one may come
    /// to be carried out all the same.
    SentAgain {
        /// What was asked.
        call: RequestLine,
    },
    /// A socket is open.
    SocketOpened {
        /// What was asked.
        call: RequestLine,
        /// From sending to the open socket.
        took: Duration,
    },
    /// A socket has ended.
    SocketClosed {
        /// What was asked.
        call: RequestLine,
        /// How.
        why: String,
        /// Bytes of data received.
        bytes: u64,
    },
}

/// Who is told.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
