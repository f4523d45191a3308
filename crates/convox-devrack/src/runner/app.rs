//! One app of the runner: its stable addresses, running services and current promote.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::context::RunnerContext;
use super::fleet::{Fleet, Started, start_all};
use super::service::StartFailure;
use super::{Deployment, PromoteFailure};
use crate::gateway::Gateway;
use crate::manifest::Manifest;
use convox_wire::{AppName, ServiceName};

pub(super) struct App {
    name: AppName,
    /// Locked during a promote or a stop.
    fleet: tokio::sync::Mutex<Option<Fleet>>,
    gateways: Mutex<BTreeMap<ServiceName, Gateway>>,
    /// Locked while addresses are opened, so that none is opened twice.
    opening: tokio::sync::Mutex<()>,
    /// Cancels the promotes that were requested before a stop.
    until_stop: Mutex<CancellationToken>,
}

impl App {
    pub(super) fn new(name: &AppName) -> Self {
        Self {
            name: name.clone(),
            fleet: tokio::sync::Mutex::default(),
            gateways: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            until_stop: Mutex::default(),
        }
    }

    pub(super) fn address(&self, service: &ServiceName) -> Option<SocketAddr> {
        self.gateways().get(service).map(Gateway::address)
    }

    pub(super) async fn open_gateways(
        &self,
        context: &RunnerContext,
        manifest: &Manifest,
    ) -> std::io::Result<Vec<(ServiceName, SocketAddr)>> {
        let _alone = self.opening.lock().await;
        let mut addresses = Vec::new();
        for service in manifest.services.iter().filter(|service| service.port.is_some()) {
            let address = match self.address(&service.name) {
                Some(address) => address,
                None => self.open_gateway(context, &service.name).await?,
            };
            addresses.push((service.name.clone(), address));
        }
        Ok(addresses)
    }

    async fn open_gateway(
        &self,
        context: &RunnerContext,
        service: &ServiceName,
    ) -> std::io::Result<SocketAddr> {
        let before = context.store.gateway_port(&self.name, service);
        let gateway = match before {
            None => Gateway::bind(None).await?,
            Some(port) => match Gateway::bind(Some(port)).await {
                Ok(gateway) => gateway,
                Err(_) => Gateway::bind(None).await?,
            },
        };
        let address = gateway.address();
        if before != Some(address.port()) {
            context.store.keep_gateway_port(&self.name, service, address.port());
        }
        if let Some(port) = before.filter(|port| *port != address.port()) {
            let line = format!(
                "{service}: 127.0.0.1:{port} is used by another program; the new address is http://{address}"
            );
            context.log_app(&self.name, &line);
        }
        self.gateways().insert(service.clone(), gateway);
        Ok(address)
    }

    pub(super) async fn promote(
        &self,
        context: &Arc<RunnerContext>,
        deployment: Arc<Deployment>,
        generation: u64,
        cancel: CancellationToken,
    ) -> Result<(), PromoteFailure> {
        let stop = self.until_stop().child_token();
        let outcome = self.replace(context, &deployment, generation, &stop, &cancel).await;
        match &outcome {
            Ok(()) => {
                context.log_app(&self.name, &format!("release {} is running", deployment.release))
            }
            Err(failure) => report(context, &deployment, failure),
        }
        outcome.map_err(|failure| PromoteFailure {
            reason: failure.reason,
            process: failure.process,
            last_lines: failure.last_lines,
            canceled: failure.canceled,
        })
    }

    async fn replace(
        &self,
        context: &Arc<RunnerContext>,
        deployment: &Arc<Deployment>,
        generation: u64,
        stop: &CancellationToken,
        cancel: &CancellationToken,
    ) -> Result<(), StartFailure> {
        let mut fleet = tokio::select! {
            fleet = self.fleet.lock() => fleet,
            () = cancel.cancelled() => return Err(StartFailure::canceled()),
        };
        check_environment(deployment)?;
        let opened = self.open_gateways(context, &deployment.manifest).await;
        opened.map_err(|error| {
            failed(format!("can't open the addresses of the services: {error}"))
        })?;
        let started = start_unless(context, deployment, stop, cancel).await?;
        let gateways = self.gateways_of(deployment);
        let (new, before) = Fleet::run(context, deployment, generation, gateways, started);
        if let Some(old) = fleet.replace(new) {
            before.ended_within(context.limits.drain).await;
            old.end().await;
        }
        let kept = self.gateways_of(deployment);
        *self.gateways() = kept;
        Ok(())
    }

    /// The addresses of a deployment's services with a port.
    fn gateways_of(&self, deployment: &Deployment) -> BTreeMap<ServiceName, Gateway> {
        let has_port = |name: &ServiceName| {
            deployment.manifest.service(name).is_some_and(|service| service.port.is_some())
        };
        let gateways = self.gateways();
        let of_deployment = gateways.iter().filter(|(name, _)| has_port(name));
        of_deployment.map(|(name, gateway)| (name.clone(), gateway.clone())).collect()
    }

    /// Starts or stops processes of a service. A promote in progress is waited for.
    pub(super) async fn scale(
        &self,
        service: &ServiceName,
        count: usize,
    ) -> Result<(), StartFailure> {
        let stop = self.until_stop().child_token();
        match self.fleet.lock().await.as_mut() {
            Some(fleet) => fleet.scale(service, count, &stop).await,
            None => Ok(()),
        }
    }

    /// Has the processes of a service replaced by new ones. A promote in progress is waited for.
    pub(super) async fn restart(&self, service: &ServiceName) {
        if let Some(fleet) = self.fleet.lock().await.as_ref() {
            fleet.restart(service);
        }
    }

    pub(super) async fn stop(&self) {
        std::mem::take(&mut *self.until_stop()).cancel();
        let fleet = self.fleet.lock().await.take();
        if let Some(fleet) = fleet {
            fleet.end().await;
        }
        self.gateways().clear();
    }

    fn gateways(&self) -> MutexGuard<'_, BTreeMap<ServiceName, Gateway>> {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until_stop(&self) -> MutexGuard<'_, CancellationToken> {
        self.until_stop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the services. On `cancel`, those already started are stopped in order.
async fn start_unless(
    context: &Arc<RunnerContext>,
    deployment: &Arc<Deployment>,
    stop: &CancellationToken,
    cancel: &CancellationToken,
) -> Result<Vec<Started>, StartFailure> {
    let mut starting = pin!(start_all(context, deployment, stop));
    tokio::select! {
        started = &mut starting => return started,
        () = cancel.cancelled() => stop.cancel(),
    }
    starting.await
}

fn check_environment(deployment: &Deployment) -> Result<(), StartFailure> {
    let missing = deployment.manifest.missing(&deployment.environment);
    if missing.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "release {} has no value for variables that convox.yml requires: {}; set them with convox env set",
        deployment.release,
        missing.join(", ")
    );
    Err(failed(reason))
}

fn failed(reason: String) -> StartFailure {
    StartFailure { reason, process: None, last_lines: Vec::new(), canceled: false }
}

fn report(context: &RunnerContext, deployment: &Deployment, failure: &StartFailure) {
    let say = |line: &str| context.log_app(&deployment.app, line);
    if failure.canceled {
        return say(&format!("release {}: canceled", deployment.release));
    }
    say(&format!("release {} failed: {}", deployment.release, failure.reason));
    if let Some(process) = failure.process.as_ref().filter(|_| !failure.last_lines.is_empty()) {
        say(&format!("last output of {process}:"));
        failure.last_lines.iter().for_each(|line| say(&format!("  {line}")));
    }
}
