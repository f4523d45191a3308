//! All services of one release of an app, started and stopped together.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Deployment;
use super::context::RunnerContext;
use super::process::{Launch, Process, ending};
use super::service::{Service, StartFailure, start};
use crate::gateway::Connections;

/// A service of a deployment with its process, which is ready.
pub(super) type Started = (Launch, Process);

/// Starts every service of the deployment side by side. If one fails, or `stop` comes, all are ended.
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
    // The one that called the others off is the reason.
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

/// A process that was ready can have ended while the others were started.
fn exited_early((launch, process): &mut Started) -> Option<StartFailure> {
    let status = process.has_ended()?;
    let reason = format!("{}: {} after it was ready", launch.service.name, ending(status));
    Some(StartFailure { reason, last_lines: process.last_lines(), canceled: false })
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
    /// Leads every stable address to its new process, and keeps the services running. Gives the
    /// connections to the processes before.
    pub(super) fn run(services: Vec<(Service, Process)>) -> (Self, Vec<Connections>) {
        let stop = CancellationToken::new();
        let before = services.iter().map(|(service, process)| service.switch_to(process)).collect();
        let tasks =
            services.into_iter().map(|(service, process)| service.supervise(process, stop.clone()));
        (Self { services: tasks.collect(), stop }, before)
    }

    /// Ends all services, side by side.
    pub(super) async fn end(mut self) {
        self.stop.cancel();
        while self.services.join_next().await.is_some() {}
    }
}
