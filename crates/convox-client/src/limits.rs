//! How long the client waits for what. Every limit is a setting; these are the defaults.

use std::time::Duration;

/// Time limits and budgets of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection is made, TLS included.
    pub connect: Duration,
    /// Until the answer to a read begins.
    pub response: Duration,
    /// Until the answer to a change or an upload begins: v2 promotes take minutes.
    pub long_response: Duration,
    /// Without any progress while a body moves, in either direction.
    pub stall: Duration,
    /// Between pings on a socket: racks never send any.
    pub ping: Duration,
    /// Until the system gives up a connection whose peer acknowledges nothing. With a ping every
    /// ten seconds a half-open connection is found within thirty.
    pub half_open: Duration,
    /// How long a request that may be repeated is repeated; zero for never.
    pub retry: Duration,
    /// The same before the rack has answered once: a wrong address should not take a minute.
    pub first_contact: Duration,
    /// How long to look for what a lost answer may have done before it is sent again.
    pub reconcile: Duration,
    /// What a build's log gets after the build has ended, where the rack does not end it itself.
    pub log_grace: Duration,
    /// The pause between the first two polls of a wait; later ones are up to three times as long.
    pub poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            response: seconds(60),
            long_response: seconds(15 * 60),
            stall: seconds(60),
            ping: seconds(10),
            half_open: seconds(20),
            retry: seconds(60),
            first_contact: seconds(5),
            reconcile: seconds(15),
            log_grace: seconds(2),
            poll: Duration::from_millis(250),
        }
    }
}
