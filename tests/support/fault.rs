//! What can happen to a request on its way to a rack.

use std::fmt;
use std::time::Duration;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// Nothing, but connections after it are refused until the test allows them.
    RefuseNext,
    /// The same, but only after the first response that shows that a build is over.
    RefuseOnceOver,
    /// The connection is reset, and the rack gets no request.
    Reset,
    /// The rack accepts it, and the connection is reset instead of the response.
    Lost,
    /// The rack accepts it, and the connection is reset in the middle of the response.
    Middle,
    /// A proxy responds with this status, and the rack gets no request.
    Status(u16),
    /// The rack accepts it, and a proxy responds with this status.
    CarriedOut(u16),
    /// The rack gets it later.
    Stall(Duration),
    /// The rack gets no request, and there is no response.
    Hang,
    /// The rack accepts it; half of the response is sent as if it were whole.
    Truncated,
    /// A page instead of the response.
    Html,
    /// The websocket opens, sends this many bytes, and is reset.
    Cut(usize),
    /// The websocket opens, and this close code comes instead of anything else.
    Close(u16),
    /// The websocket opens, and its end is never sent.
    Endless,
    /// The rack is killed before it gets the request, and started again.
    Killed,
    /// The rack is killed after it has accepted the request, and started again.
    KilledAfter,
    /// This response is sent before the body was read, and the connection is closed.
    Early(&'static str),
    /// The rack accepts it, and the connection is closed in the middle of the response.
    Short,
    /// The rack accepts it, and nothing comes after the middle of the response.
    Stuck,
    /// The rack accepts it, and the response comes in pieces over some seconds.
    Slow,
    /// The connection is reset in the middle of the request's body.
    ResetInBody,
    /// Nothing, but the script is called for `IN THE BODY` once a large part of the body has come.
    Watched,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::RefuseNext | Self::RefuseOnceOver => f.write_str("refuse"),
            Self::Reset => f.write_str("reset"),
            Self::Lost => f.write_str("lost"),
            Self::Middle => f.write_str("middle"),
            Self::Status(status) => write!(f, "{status}"),
            Self::CarriedOut(status) => write!(f, "done+{status}"),
            Self::Stall(_) => f.write_str("stall"),
            Self::Hang => f.write_str("hang"),
            Self::Truncated => f.write_str("json"),
            Self::Html => f.write_str("html"),
            Self::Cut(bytes) => write!(f, "cut {bytes}"),
            Self::Close(code) => write!(f, "close {code}"),
            Self::Endless => f.write_str("no end"),
            Self::Killed => f.write_str("kill"),
            Self::KilledAfter => f.write_str("done+kill"),
            Self::Early(_) => f.write_str("early"),
            Self::Short => f.write_str("short"),
            Self::Stuck => f.write_str("stuck"),
            Self::Slow => f.write_str("slow"),
            Self::ResetInBody => f.write_str("in body"),
            Self::Watched => f.write_str("watched"),
        }
    }
}
