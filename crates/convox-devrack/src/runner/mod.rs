//! Running apps: each service of the active release as a local process behind a stable address.
//!
//! A promote starts the new processes, waits until they are ready, leads the addresses to them,
//! and only then ends the old ones. If a new one fails, the old ones go on as if nothing happened.

mod app;
mod context;
mod copy;
mod fleet;
mod group;
mod lines;
mod one_off;
mod orphans;
mod process;
mod procfs;
mod service;
mod store;
mod workplace;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use self::app::App;
use self::context::{ProcessTable, RunnerContext};
use self::one_off::OneOffs;
use self::workplace::Workplaces;
use super::manifest::Manifest;
use crate::clock::Clock;
use convox_wire::{AppName, Environment, Process, ProcessId, ReleaseId, ServiceName};

pub(crate) use self::copy::remove_directory;
pub(crate) use self::group::{Group, KillOnDrop};
pub(crate) use self::lines::{each_line, one_line};
pub(crate) use self::process::{ending, new_id};
pub(crate) use self::procfs::started_at;
pub(crate) use self::workplace::Workplace;

pub use self::context::{AppLog, BaseEnvironment, Limits};
pub use self::store::{ProcessRecord, RunnerStore};

/// What is to run: a release with the built source of its build.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The app.
    pub app: AppName,
    /// The release.
    pub release: ReleaseId,
    /// The built source; it must stay for as long as the release runs.
    pub source: PathBuf,
    /// The manifest of the build.
    pub manifest: Manifest,
    /// The environment of the release.
    pub environment: Environment,
}

/// Why a promote did not come about. The services that ran before still do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PromoteFailure {
    /// In words for a person, beginning with the service it concerns.
    pub reason: String,
    /// The last lines that the failed process wrote, oldest first.
    pub last_lines: Vec<String>,
    /// It was called off rather than failing.
    pub canceled: bool,
}

/// What a runner is made of.
pub struct RunnerParts {
    /// The rack's data directory; copies of sources are kept in its `running`.
    pub data: PathBuf,
    /// The memory beyond this process.
    pub store: Arc<dyn RunnerStore>,
    /// Takes the logs of the apps.
    pub log: AppLog,
    /// The variables of every process.
    pub base: BaseEnvironment,
    /// Time limits.
    pub limits: Limits,
    /// The time that processes are logged to have started at.
    pub clock: Clock,
}

/// Runs the processes of all apps of a rack. Cheap to clone; clones are the same runner.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    context: Arc<RunnerContext>,
    apps: Mutex<HashMap<AppName, Arc<App>>>,
    promotes: AtomicU64,
    one_offs: OneOffs,
}

impl Runner {
    /// A runner with the usual limits.
    pub fn new(
        data: PathBuf,
        store: Arc<dyn RunnerStore>,
        log: AppLog,
        base: BaseEnvironment,
    ) -> Self {
        let (limits, clock) = (Limits::default(), Clock::system());
        Self::of(RunnerParts { data, store, log, base, limits, clock })
    }

    /// A runner made of these parts.
    pub fn of(parts: RunnerParts) -> Self {
        Self::with_ports(parts, Arc::new(context::free_port))
    }

    fn with_ports(parts: RunnerParts, ports: context::PortSource) -> Self {
        let RunnerParts { data, store, log, base, limits, clock } = parts;
        let (processes, workplaces) = (ProcessTable::default(), Workplaces::default());
        let context =
            RunnerContext { data, store, log, base, limits, clock, ports, processes, workplaces };
        Self(Arc::new(Inner {
            context: Arc::new(context),
            apps: Mutex::default(),
            promotes: AtomicU64::new(1),
            one_offs: OneOffs::default(),
        }))
    }

    /// Ends what a killed rack left running, and removes its leftovers. To be called once, before
    /// anything is promoted.
    pub async fn stop_orphans(&self) {
        orphans::end_all(&self.0.context).await;
    }

    /// Opens the stable addresses of the manifest's services that have a port, on the ports they
    /// had before where these are free. Gives all of them, in the manifest's order.
    ///
    /// # Errors
    /// When the system has no port to give.
    pub async fn open_gateways(
        &self,
        app: &AppName,
        manifest: &Manifest,
    ) -> std::io::Result<Vec<(ServiceName, SocketAddr)>> {
        self.app(app).open_gateways(&self.0.context, manifest).await
    }

    /// Runs this release of the app in place of what ran before. Returns when the new processes
    /// are ready, the addresses lead to them and the old ones have ended. One promote of an app at
    /// a time; a second one waits for the first.
    ///
    /// # Errors
    /// A required variable is missing, a service did not become ready, or `cancel` came before the
    /// addresses were led over; afterwards it has no effect.
    pub async fn promote(
        &self,
        deployment: Deployment,
        cancel: CancellationToken,
    ) -> Result<(), PromoteFailure> {
        let app = self.app(&deployment.app);
        let generation = self.0.promotes.fetch_add(1, Ordering::Relaxed);
        app.promote(&self.0.context, Arc::new(deployment), generation, cancel).await
    }

    /// Ends the processes of an app and closes its addresses; a promote under way is called off.
    pub async fn stop_app(&self, app: &AppName) {
        let running = self.app(app);
        tokio::join!(running.stop(), self.0.one_offs.stop(Some(app)));
    }

    /// Does so for every app.
    pub async fn stop_all(&self) {
        let apps: Vec<Arc<App>> = self.apps().values().cloned().collect();
        tokio::join!(join_all(apps.iter().map(|app| app.stop())), self.0.one_offs.stop(None));
    }

    /// The processes of an app, starting and crashed ones too, sorted by id.
    pub fn processes(&self, app: &AppName) -> Vec<Process> {
        self.0.context.processes.of(app)
    }

    /// The directory and the environment of a process, while it runs.
    pub(crate) fn workplace(&self, id: &ProcessId) -> Option<Workplace> {
        self.0.context.workplaces.get(id)
    }

    /// The stable address of a service, while it is open.
    pub fn address(&self, app: &AppName, service: &ServiceName) -> Option<SocketAddr> {
        let app = self.apps().get(app).cloned()?;
        app.address(service)
    }

    fn app(&self, name: &AppName) -> Arc<App> {
        Arc::clone(self.apps().entry(name.clone()).or_insert_with(|| Arc::new(App::new(name))))
    }

    fn apps(&self) -> std::sync::MutexGuard<'_, HashMap<AppName, Arc<App>>> {
        self.0.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
