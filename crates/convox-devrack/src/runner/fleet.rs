//! The services of a release, started and stopped together.

use std::collections::BTreeMap;
use std::iter::repeat_n;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Deployment;
use super::context::RunnerContext;
use super::crashes::Crashes;
use super::process::{Launch, Process, ending};
use super::service::{Service, StartFailure, start};
use crate::gateway::{Connections, Gateway};
use crate::manifest::ServiceSpec;
use convox_wire::{Environment, ServiceName};

/// A service of a deployment and a ready process of it.
pub(super) type Started = (Launch, Process);

/// Starts all processes of the deployment concurrently. If one fails, or on `stop`, all are stopped.
pub(super) async fn start_all(
    context: &Arc<RunnerContext>,
    deployment: &Arc<Deployment>,
    stop: &CancellationToken,
) -> Result<Vec<Started>, StartFailure> {
    let services = deployment.manifest.services.iter();
    let launches = services.flat_map(|service| {
        repeat_n(launch(context, deployment, service), deployment.count(service))
    });
    start_together(launches, stop).await
}

fn launch(
    context: &Arc<RunnerContext>,
    deployment: &Arc<Deployment>,
    service: &ServiceSpec,
) -> Launch {
    Launch {
        context: Arc::clone(context),
        deployment: Arc::clone(deployment),
        name: service.name.to_string(),
        service: service.clone(),
        variables: Environment::default(),
        crashes: Crashes::default(),
    }
}

async fn start_together(
    launches: impl Iterator<Item = Launch>,
    stop: &CancellationToken,
) -> Result<Vec<Started>, StartFailure> {
    let cancel = stop.child_token();
    let (mut started, mut failures) = (Vec::new(), Vec::new());
    for outcome in join_all(launches.map(|launch| start_one(launch, &cancel))).await {
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
    context: Arc<RunnerContext>,
    deployment: Arc<Deployment>,
    /// The number of its promote.
    generation: u64,
    /// The addresses of its services with a port.
    gateways: BTreeMap<ServiceName, Gateway>,
    stop: CancellationToken,
    members: Vec<Member>,
}

/// A process that is kept running.
struct Member {
    service: ServiceName,
    stop: CancellationToken,
    restart: Arc<Notify>,
    /// One task, which is aborted if this is dropped.
    supervisor: JoinSet<()>,
}

impl Member {
    /// Stops it. Its connections are given time to end unless the whole fleet ends.
    async fn end(mut self) {
        self.stop.cancel();
        while self.supervisor.join_next().await.is_some() {}
    }
}

impl Fleet {
    /// Routes every address to its new processes, and keeps the services running. Returns the
    /// connections to the previous processes.
    pub(super) fn run(
        context: &Arc<RunnerContext>,
        deployment: &Arc<Deployment>,
        generation: u64,
        gateways: BTreeMap<ServiceName, Gateway>,
        started: Vec<Started>,
    ) -> (Self, Connections) {
        let switched = gateways.iter().map(|(name, gateway)| {
            let of_service = started.iter().filter(|(launch, _)| launch.service.name == *name);
            gateway.route_to(generation, of_service.filter_map(|(_, process)| process.port))
        });
        let before = switched.collect();
        let mut fleet = Self {
            context: Arc::clone(context),
            deployment: Arc::clone(deployment),
            generation,
            gateways,
            stop: CancellationToken::new(),
            members: Vec::new(),
        };
        started.into_iter().for_each(|started| fleet.keep_running(started));
        (fleet, before)
    }

    fn keep_running(&mut self, (launch, process): Started) {
        let service = launch.service.name.clone();
        let (stop, restart) = (self.stop.child_token(), Arc::new(Notify::new()));
        let task = Service {
            launch,
            gateway: self.gateways.get(&service).cloned(),
            generation: self.generation,
            fleet_stop: self.stop.clone(),
            stop: stop.clone(),
            restart: Arc::clone(&restart),
        };
        let mut supervisor = JoinSet::new();
        supervisor.spawn(task.supervise(process));
        self.members.push(Member { service, stop, restart, supervisor });
    }

    /// Starts or stops processes of a service until it has `count` of them. If one does not start,
    /// or on `stop`, the service keeps those that it had.
    pub(super) async fn scale(
        &mut self,
        service: &ServiceName,
        count: usize,
        stop: &CancellationToken,
    ) -> Result<(), StartFailure> {
        let running = self.members.iter().filter(|member| member.service == *service).count();
        if count < running {
            self.retire(service, running - count).await;
            return Ok(());
        }
        let Some(spec) = self.deployment.manifest.service(service) else { return Ok(()) };
        let launches = repeat_n(launch(&self.context, &self.deployment, spec), count - running);
        for (launch, process) in start_together(launches, stop).await? {
            if let (Some(gateway), Some(port)) = (self.gateways.get(service), process.port) {
                gateway.add(self.generation, port);
            }
            self.keep_running((launch, process));
        }
        Ok(())
    }

    /// Stops the newest processes of a service.
    async fn retire(&mut self, service: &ServiceName, count: usize) {
        let mut retired = Vec::new();
        while retired.len() < count {
            let newest = self.members.iter().rposition(|member| member.service == *service);
            let Some(newest) = newest else { break };
            retired.push(self.members.remove(newest).end());
        }
        join_all(retired).await;
    }

    /// Has every process of a service replaced by a new one. Does not wait for it.
    pub(super) fn restart(&self, service: &ServiceName) {
        let of_service = self.members.iter().filter(|member| member.service == *service);
        of_service.for_each(|member| member.restart.notify_one());
    }

    /// Stops all services concurrently.
    pub(super) async fn end(self) {
        self.stop.cancel();
        join_all(self.members.into_iter().map(Member::end)).await;
    }
}
