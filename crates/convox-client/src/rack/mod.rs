//! The typed client of a rack: one file for each noun, one method for each route.
//!
//! Methods send one request; [`crate::wait`] polls. Each method decides whether its request may be
//! repeated if the response is lost; [`crate::transport`] repeats it.

mod apps;
mod balancers;
mod budget;
mod builds;
mod certificate_check;
mod certificates;
pub mod compat;
mod configs;
mod console;
mod diagnosis;
mod exit_scanner;
mod formation;
mod incoming;
mod instances;
mod legacy_env;
mod log_stream;
mod logs;
mod machines;
mod objects;
mod processes;
mod rack_resources;
mod raw;
mod refusal;
mod registries;
mod releases;
mod resources;
mod rollout;
mod services;
mod session;
mod system;
mod tunnel;

pub use crate::transport::{Cause, CertificateProblem, Client, Endpoint, Error, Options, PinnedBy};
pub use apps::CreateApp;
pub use budget::{BudgetUpdate, CapStatus};
pub use builds::{BuildOptions, BuildUpdate, BuildsBefore, RegistryCredentials};
pub use certificate_check::CertificateMisfit;
pub use certificates::{CertificateImport, CertificateOptions};
pub use compat::Compat;
pub use console::{Console, ConsoleRack, Login, ManagedUpdate, Runtime, Workflow, WorkflowRun};
pub use diagnosis::DiagnosisOptions;
pub use exit_scanner::{ExitScanner, StreamEnd};
pub use instances::KeyPair;
pub use log_stream::{AppLog, BuildLog, ConnectionState, LogError, LogEvent};
pub use logs::{LogOptions, LogSource};
pub use machines::Machine;
pub use processes::{ProcessFilter, RunOptions};
pub use rack_resources::{RackResource, ResourceKind, ResourceParameter};
pub use refusal::Refusal;
pub use releases::{CreateRelease, Force, ReleasesBefore};
pub use rollout::{RollBack, Rollout, Verdict};
pub use services::{ServiceUpdate, Trigger, TriggerKind, TriggersOverride};
pub use session::{
    ExecOptions, ExitCode, Session, SessionError, SessionEvent, SessionInput, SessionOutput,
    WindowSize,
};
pub use system::{ClusterAccess, SystemUpdate};
pub use tunnel::{Carried, Tunnel, TunnelError};

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use crate::RackUrl;
use crate::transport::{Path, Request, Response};

/// A rack. Cheap to clone; clones share connections and what is known about the rack.
#[derive(Clone)]
pub struct Rack {
    client: Client,
    compat: Arc<OnceCell<Compat>>,
}

impl Rack {
    /// Returns the rack at `url`, with default options.
    ///
    /// Nothing is connected before the first request, so this cannot fail.
    pub fn connect(url: &RackUrl) -> Self {
        Self::connect_with(url, Options::default())
    }

    /// Returns the rack at `url`. Like [`Rack::connect`], with time limits, trust in certificates
    /// and a listener of the caller's.
    pub fn connect_with(url: &RackUrl, options: Options) -> Self {
        Self::new(Client::new(Endpoint::from(url), options))
    }

    /// Returns the rack that a client's requests go to.
    pub fn new(client: Client) -> Self {
        Self { client, compat: Arc::default() }
    }

    /// Returns the rack of a machine, which is a v3 rack of an unknown version.
    pub(super) fn of_machine(client: Client) -> Self {
        Self { client, compat: Arc::new(OnceCell::new_with(Some(Compat::of_machine()))) }
    }

    /// Returns the client that sends the requests.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the same rack without retries, for callers that poll.
    pub fn without_retries(&self) -> Self {
        Self { client: self.client.without_retries(), compat: self.compat.clone() }
    }

    async fn get<T: DeserializeOwned>(&self, path: Path) -> Result<T, Error> {
        self.read(Request::get(path)).await
    }

    /// Sends a request whose response is JSON.
    async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        self.send(&request).await?.json()
    }

    /// Sends a request whose response is a list; `null` is an empty list.
    async fn list<T: DeserializeOwned>(&self, request: Request) -> Result<Vec<T>, Error> {
        Ok(self.read::<Option<Vec<T>>>(request.expect_list()).await?.unwrap_or_default())
    }

    /// Sends a request whose response only means that it was accepted: `ok` (v2, v3), JSON
    /// (classic), or an empty body.
    async fn act(&self, request: Request) -> Result<(), Error> {
        self.send(&request).await?.check_accepted()
    }

    /// Sends a request. If the response to one that may be sent only once is lost, the caller has to
    /// find out what became of it.
    async fn send(&self, request: &Request) -> Result<Response, Error> {
        self.client.send(request).await.map_err(|error| {
            match request.is_sent_once() && error.is_response_lost() {
                true => Error::OutcomeUnknown { request: request.line(), error: Box::new(error) },
                false => error,
            }
        })
    }
}

/// Returns a map as a form, its keys sorted; `None` for an empty one.
fn form_of(map: &BTreeMap<String, String>) -> Option<String> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    (!map.is_empty()).then(|| form.extend_pairs(map).finish())
}

/// Racks report an unknown build or release in different ways (v3: a 500 with a storage key): all
/// of them become a 404 `no such build: …`.
fn not_found(refusal: Refusal, id: &str) -> impl Fn(Error) -> Error {
    let kind = if refusal == Refusal::BuildNotFound { "build" } else { "release" };
    let message = format!("no such {kind}: {id}");
    move |error| match error {
        Error::Status { request, status, message: text, .. }
            if Refusal::of(Some(status), &text) == refusal =>
        {
            let (retry_after, challenge) = (None, None);
            Error::Status { request, status: 404, message: message.clone(), retry_after, challenge }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, message: &str) -> Error {
        let request = Request::get(crate::path!["x"]).line();
        let message = message.to_owned();
        Error::Status { request, status, message, retry_after: None, challenge: None }
    }

    #[test]
    fn a_missing_release_reads_the_same_on_every_rack() {
        let not_found = not_found(Refusal::ReleaseNotFound, "RNOPE");
        for (status, text) in
            [(500, "releases.convox.com \"rnope\" not found"), (404, "release not found: RNOPE")]
        {
            let error = not_found(refused(status, text));
            assert_eq!(
                (error.status(), error.to_string().as_str()),
                (Some(404), "no such release: RNOPE")
            );
        }
        assert_eq!(not_found(refused(500, "sick")).status(), Some(500));
    }
}
