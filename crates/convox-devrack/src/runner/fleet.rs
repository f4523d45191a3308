//! The services of a release, started and stopped together.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Deployment;
use super::context::RunnerContext;
use super::process::{Launch, Process, ending};
use super::service::{Service, StartFailure, start};
use crate::gateway::Connections;
use convox_wire::Environment;

/// A service of a deployment and its ready process.
pub(super) type Started = (Launch, Process);

/// Starts all services of the deployment concurrently. If one fails, or on `stop`, all are stopped.
pub(super) async fn start_all(
    context: &Arc<RunnerContext>,
    deployment: &Arc<Deployment>,
    stop: &CancellationToken,
) -> Result<Vec<Started>, StartFailure> {
    let cancel = stop.child_token();
    let starts = deployment.manifest.services.iter().map(|service| {
        let launch = Launch {
            context: Arc::clone(context),
            deployment: Arc::clone(deployment),
            service: service.clone(),
            variables: Environment::default(),
        };
        start_one(launch, &cancel)
    });
    let (mut started, mut failures) = (Vec::new(), Vec::new());
    for outcome in join_all(starts).await {
        match outcome {
            Ok(service) => started.push(service),
            Err(failure) => failures.push(failure),
        }
    }
    failures.extend(started.iter_mut().find_map(exited_early));
    // The failure that canceled the other starts comes first.
    failures.sort_by_key(|failure| failure.canceled);
    match failures.into_iter().next() {
        None if stop.is_cancelled() => Err(stop_all(started, StartFailure::canceled()).await),
        None => Ok(started),
        Some(failure) => Err(stop_all(started, failure).await),
    }
}

async fn start_one(launch: Launch, cancel: &CancellationToken) -> Result<Started, StartFailure> {
    match start(&launch, cancel).await {
        Ok(process) => Ok((launch, process)),
        Err(failure) => {
            cancel.cancel();
            Err(failure)
        }
    }
}

/// Returns a failure if a process has exited while the others were starting.
fn exited_early((launch, process): &mut Started) -> Option<StartFailure> {
    let status = process.has_ended()?;
    let reason = format!("{}: {} after it was ready", launch.service.name, ending(status));
    let (id, last_lines) = (process.id.clone(), process.last_lines());
    Some(StartFailure { reason, process: Some(id), last_lines, canceled: false })
}

async fn stop_all(started: Vec<Started>, failure: StartFailure) -> StartFailure {
    join_all(started.into_iter().map(|(_, process)| process.stop())).await;
    failure
}

/// The running services of a release.
pub(super) struct Fleet {
    stop: CancellationToken,
    services: JoinSet<()>,
}

impl Fleet {
    /// Routes every stable address to its new process, and keeps the services running. Returns the
    /// connections to the previous processes.
    pub(super) fn run(services: Vec<(Service, Process)>) -> (Self, Vec<Connections>) {
        let stop = CancellationToken::new();
        let before = services.iter().map(|(service, process)| service.switch_to(process)).collect();
        let tasks =
            services.into_iter().map(|(service, process)| service.supervise(process, stop.clone()));
        (Self { services: tasks.collect(), stop }, before)
    }

    /// Stops all services concurrently.
    pub(super) async fn end(mut self) {
        self.stop.cancel();
        while self.services.join_next().await.is_some() {}
    }
}
