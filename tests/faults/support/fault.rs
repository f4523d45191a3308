//! What can go wrong with a request on its way.

use std::fmt;
use std::time::Duration;

/// Something that happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// Nothing happens to this one; connections after it are refused until the test says so.
    RefuseNext,
    /// The same, once the answer says that a build is over.
    RefuseOnceOver,
    /// The connection is reset, and the request goes nowhere.
    Reset,
    /// It is carried out, and the connection is reset in place of the answer.
    Lost,
    /// It is carried out, and the connection is reset in the middle of the answer.
    Middle,
    /// A proxy on the way answers in the rack's place.
    Status(u16),
    /// It is carried out, and a proxy on the way answers all the same.
    CarriedOut(u16),
    /// It is carried out, later.
    Stall(Duration),
    /// It goes nowhere, and nothing is answered.
    Hang,
    /// It is carried out; half of the answer comes, as if it were whole.
    Truncated,
    /// A page in place of the answer.
    Html,
    /// The socket opens, gives so many bytes, and is reset.
    Cut(usize),
    /// The socket opens, and its end never comes.
    Endless,
    /// The rack is killed before it hears of the request, and started again.
    Killed,
    /// The rack is killed once it has carried out the request, and started again.
    KilledAfter,
    /// Answered from a text, before the body was read; the connection is closed.
    Early(&'static str),
    /// Reset in the middle of the request's body.
    ResetInBody,
    /// Nothing, but the script is asked for `IN THE BODY` once much of the body has come.
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
            Self::Endless => f.write_str("no end"),
            Self::Killed => f.write_str("kill"),
            Self::KilledAfter => f.write_str("done+kill"),
            Self::Early(_) => f.write_str("early"),
            Self::ResetInBody => f.write_str("in body"),
            Self::Watched => f.write_str("watched"),
        }
    }
}
