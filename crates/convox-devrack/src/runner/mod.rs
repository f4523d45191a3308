//! Runs the services of each app's active release as local processes behind stable addresses.
//!
//! A promote starts the new processes, waits until they are ready, routes the addresses to them,
//! and only then stops the old ones. If a new process fails, the old ones keep running undisturbed.

mod app;
mod cgroup;
mod context;
mod copy;
mod crashes;
mod fleet;
mod group;
mod health;
mod lines;
mod mark;
mod one_off;
mod orphans;
mod process;
mod procfs;
mod reaper;
mod service;
mod store;
mod tree;
mod workplace;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, HashMap};
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
use super::manifest::{Manifest, ServiceSpec};
use crate::clock::Clock;
use convox_wire::{AppName, BuildId, Environment, Process, ProcessId, ReleaseId, ServiceName};

pub(crate) use self::cgroup::Cgroup;
pub(crate) use self::context::{free_port, is_taken};
pub(crate) use self::copy::copy_directory;
pub(crate) use self::group::Group;
pub(crate) use self::lines::{Tail, each_line, one_line};
pub(crate) use self::mark::Mark;
pub(crate) use self::one_off::OneOff;
pub(crate) use self::process::{ending, new_id};
pub(crate) use self::procfs::started_at;
pub(crate) use self::tree::{KillOnDrop, Tree};
pub(crate) use self::workplace::Workplace;

pub use self::context::{AppLog, BaseEnvironment, Limits};
pub use self::reaper::Adoption;
pub use self::store::{ProcessRecord, RunnerStore};

/// A release to run, with the built source of its build.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The app.
    pub app: AppName,
    /// The release.
    pub release: ReleaseId,
    /// The build.
    pub build: BuildId,
    /// The description of the build; may be empty.
    pub build_description: String,
    /// The directory of the built source. It must exist for as long as the release runs.
    pub source: PathBuf,
    /// The manifest of the build.
    pub manifest: Manifest,
    /// The environment of the release.
    pub environment: Environment,
    /// The number of processes of each service that was scaled.
    pub counts: BTreeMap<ServiceName, usize>,
    /// The variables that services get for their resources.
    pub resources: BTreeMap<ServiceName, Vec<(String, String)>>,
}

impl Deployment {
    /// Returns how many processes a service has: as many as it was scaled to, else as the manifest
    /// says, else one.
    pub fn count(&self, service: &ServiceSpec) -> usize {
        self.counts.get(&service.name).copied().or(service.count).unwrap_or(1)
    }
}

/// Why a promote failed. The previous services are still running.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PromoteFailure {
    /// The reason, starting with the service it concerns.
    pub reason: String,
    /// The process that failed, if one was started.
    pub process: Option<ProcessId>,
    /// The last lines of output of the failed process, oldest first.
    pub last_lines: Vec<String>,
    /// Whether the promote was canceled.
    pub canceled: bool,
}

/// The configuration of a [`Runner`].
pub struct RunnerParts {
    /// The rack's data directory. Processes run in copies of the source in its subdirectory
    /// `running`.
    pub data: PathBuf,
    /// The persistent state.
    pub store: Arc<dyn RunnerStore>,
    /// Receives the logs of the apps.
    pub log: AppLog,
    /// The variables that every process inherits.
    pub base: BaseEnvironment,
    /// Time limits.
    pub limits: Limits,
    /// The clock for the start times of processes.
    pub clock: Clock,
}

/// Runs the processes of all apps of a rack. Clones are cheap and share their state.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    context: Arc<RunnerContext>,
    apps: Mutex<HashMap<AppName, Arc<App>>>,
    promotes: AtomicU64,
    one_offs: OneOffs,
}

impl Runner {
    /// Creates a runner with the default limits.
    pub fn new(
        data: PathBuf,
        store: Arc<dyn RunnerStore>,
        log: AppLog,
        base: BaseEnvironment,
    ) -> Self {
        let (limits, clock) = (Limits::default(), Clock::system());
        Self::of(RunnerParts { data, store, log, base, limits, clock })
    }

    /// Creates a runner.
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

    /// Stops the processes that a killed rack left running, and removes their files. To be called
    /// once, before the first promote.
    pub async fn stop_orphans(&self) {
        orphans::end_all(&self.0.context).await;
    }

    /// Opens the stable addresses of all services with a port, on their previous ports if these are
    /// free. Returns them in the order of the manifest.
    ///
    /// # Errors
    /// Fails if no port is free.
    pub async fn open_gateways(
        &self,
        app: &AppName,
        manifest: &Manifest,
    ) -> std::io::Result<Vec<(ServiceName, SocketAddr)>> {
        self.app(app).open_gateways(&self.0.context, manifest).await
    }

    /// Replaces the running release of the app. Returns when the new processes are ready, the
    /// addresses route to them and the old ones have ended. A promote of the same app that is in
    /// progress is waited for.
    ///
    /// # Errors
    /// Fails if a required variable is missing, a service does not become ready, or `cancel` is
    /// triggered before the addresses are switched over. After that `cancel` has no effect.
    pub async fn promote(
        &self,
        deployment: Deployment,
        cancel: CancellationToken,
    ) -> Result<(), PromoteFailure> {
        let app = self.app(&deployment.app);
        let generation = self.0.promotes.fetch_add(1, Ordering::Relaxed);
        app.promote(&self.0.context, Arc::new(deployment), generation, cancel).await
    }

    /// Starts or stops processes of a service until it has `count` of them, and spreads new
    /// connections over them. Returns when those that are new are ready, and the others have ended.
    ///
    /// # Errors
    /// A process did not start. The service keeps the processes that it had.
    pub async fn scale(
        &self,
        app: &AppName,
        service: &ServiceName,
        count: usize,
    ) -> Result<(), String> {
        let scaled = self.app(app).scale(service, count).await;
        scaled.map_err(|failure| failure.reason)
    }

    /// Replaces each process of a service by a new one, which takes over once it is ready. Returns
    /// before that.
    pub async fn restart(&self, app: &AppName, service: &ServiceName) {
        self.app(app).restart(service).await;
    }

    /// Stops the processes of an app and closes its addresses. Cancels a promote in progress.
    pub async fn stop_app(&self, app: &AppName) {
        let running = self.app(app);
        tokio::join!(running.stop(), self.0.one_offs.stop(Some(app)));
    }

    /// Stops all apps.
    pub async fn stop_all(&self) {
        let apps: Vec<Arc<App>> = self.apps().values().cloned().collect();
        tokio::join!(join_all(apps.iter().map(|app| app.stop())), self.0.one_offs.stop(None));
    }

    /// Returns the processes of an app, including starting and crashed ones, sorted by id.
    pub fn processes(&self, app: &AppName) -> Vec<Process> {
        self.0.context.processes.of(app)
    }

    /// Returns the directory and the environment of a running process.
    pub(crate) fn workplace(&self, id: &ProcessId) -> Option<Workplace> {
        self.0.context.workplaces.get(id)
    }

    /// Returns the stable address of a service, if it is open.
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
