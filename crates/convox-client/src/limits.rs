//! Time limits and retry budgets.

use std::time::Duration;

/// The time limits and retry budgets of a client. Use [`Default`] for the usual values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection is established, including TLS.
    pub connect: Duration,
    /// Until the response to a read begins.
    pub response: Duration,
    /// Until the response to a change or an upload begins. Promotes on v2 racks take minutes.
    pub long_response: Duration,
    /// Without progress while a body is transferred, in either direction.
    pub stall: Duration,
    /// Between pings on a websocket. Racks send none.
    pub ping: Duration,
    /// Until the operating system gives up a connection whose peer acknowledges nothing. With a
    /// ping every ten seconds, a half-open connection is found within thirty.
    pub half_open: Duration,
    /// How long a request is repeated; zero disables retries.
    pub retry: Duration,
    /// How long a request is repeated if the rack has never responded: the address may be wrong.
    pub first_contact: Duration,
    /// How long to search for the result of a change whose response was lost before it is sent
    /// again.
    pub reconcile: Duration,
    /// How long a build's log may go on after the build has ended, unless the rack ends it.
    pub log_grace: Duration,
    /// The pause between the first two polls of a wait. Later ones are up to three times as long.
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
            poll: Duration::from_millis(200),
        }
    }
}
