//! Time limits of a run. Each is a variable, so that tests and slow networks can set their own.

use std::time::Duration;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To connect, TLS included.
    pub connect: Duration,
    /// For the answer to a request that only reads.
    pub answer: Duration,
    /// For the answer to a request that changes something, or to an upload: v2 racks take minutes
    /// over a promote or an export.
    pub long_answer: Duration,
    /// Without progress while a body moves. A whole body has no limit.
    pub stall: Duration,
    /// Between two pings on a socket.
    pub ping: Duration,
    /// Until a peer that acknowledges nothing counts as gone (TCP_USER_TIMEOUT on Linux).
    pub half_open: Duration,
    /// Of looking for what became of a build, promote or release whose answer was lost.
    pub look: Duration,
    /// Of retrying while the rack has not answered once in this run.
    pub first_contact: Duration,
    /// Of retrying after that; zero never retries.
    pub retry: Duration,
    /// For the rest of a build's log once the build has ended.
    pub log_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            long_answer: Duration::from_secs(15 * 60),
            stall: Duration::from_secs(60),
            ping: Duration::from_secs(10),
            half_open: Duration::from_secs(30),
            look: Duration::from_secs(15),
            first_contact: Duration::from_secs(5),
            retry: Duration::from_secs(60),
            log_grace: Duration::from_secs(2),
        }
    }
}
