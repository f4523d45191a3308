//! The typed client of a rack: one file for each noun, one method for each route.
//!
//! Methods ask once; waiting is for [`crate::wait`]. What may be repeated when an answer is lost is
//! said at each call, and carried out by [`crate::transport`].

mod apps;
mod budget;
mod builds;
pub mod compat;
mod configs;
mod console;
mod exit_scanner;
mod incoming;
mod log_stream;
mod logs;
mod objects;
mod processes;
mod releases;
mod rollout;
mod services;
mod session;
mod system;
mod tunnel;

pub use crate::transport::{Cause, CertificateProblem, Client, Endpoint, Error, Options, PinnedBy};
pub use apps::CreateApp;
pub use budget::CapStatus;
pub use builds::{BuildOptions, StartedBuild};
pub use compat::Compat;
pub use console::{ConsoleRack, Login};
pub use exit_scanner::{ExitScanner, StreamEnd};
pub use log_stream::{AppLog, BuildLog, ConnectionState, LogError, LogEvent};
pub use logs::{LogOptions, LogSource};
pub use processes::{ProcessFilter, RunOptions};
pub use releases::{CreateRelease, Force};
pub use rollout::{RollBack, Rollout, Verdict};
pub use session::{
    ExecOptions, ExitCode, Session, SessionError, SessionEvent, SessionInput, SessionOutput,
    WindowSize,
};
pub use tunnel::{Carried, Tunnel, TunnelError};

use serde::de::DeserializeOwned;

use crate::transport::{Path, Request};

/// A rack, or a console that stands before it. Cheap to clone.
#[derive(Clone)]
pub struct Rack {
    client: Client,
}

impl Rack {
    /// The rack that `client` talks to.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The client below.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The same rack, asked once each time: for polls, which come again by themselves.
    pub fn without_retries(&self) -> Self {
        Self { client: self.client.without_retries() }
    }

    async fn get<T: DeserializeOwned>(&self, path: Path) -> Result<T, Error> {
        self.read(Request::get(path)).await
    }

    /// Sends a call whose answer is JSON.
    async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        self.client.send(&request).await?.json()
    }

    /// Sends a call whose answer is a list; `null` is the empty one.
    async fn list<T: DeserializeOwned>(&self, request: Request) -> Result<Vec<T>, Error> {
        Ok(self.read::<Option<Vec<T>>>(request.expect_list()).await?.unwrap_or_default())
    }

    /// Sends a call whose answer says no more than that it was accepted: `ok` (v2, v3), JSON
    /// (classic), or nothing.
    async fn act(&self, request: Request) -> Result<(), Error> {
        self.client.send(&request).await?.check_accepted()
    }
}

/// v3 racks answer an unknown build or release with a 500 and a storage key, v2 with a 404:
/// both become one clear 404.
fn named(kind: &str, id: &str) -> impl Fn(Error) -> Error {
    let (table, missing) = (format!("{kind}s.convox.com "), format!("no such {kind}: {id}"));
    let v2 = format!("{kind} not found");
    move |error| match error {
        Error::Status { request, message, .. }
            if (message.starts_with(&table) && message.ends_with("not found"))
                || message.starts_with(&v2) =>
        {
            let (retry_after, challenge) = (None, None);
            Error::Status { request, status: 404, message: missing.clone(), retry_after, challenge }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Request;

    fn refused(status: u16, message: &str) -> Error {
        let request = Request::get(crate::path!["x"]).line();
        let message = message.to_owned();
        Error::Status { request, status, message, retry_after: None, challenge: None }
    }

    #[test]
    fn a_missing_release_reads_the_same_on_every_rack() {
        let named = named("release", "RNOPE");
        for (status, text) in
            [(500, "releases.convox.com \"rnope\" not found"), (404, "release not found: RNOPE")]
        {
            let error = named(refused(status, text));
            assert_eq!(
                (error.status(), error.to_string().as_str()),
                (Some(404), "no such release: RNOPE")
            );
        }
        assert_eq!(named(refused(500, "sick")).status(), Some(500));
    }
}
