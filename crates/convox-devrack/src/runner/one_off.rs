//! One-off processes: started for a single command and not restarted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::crashes::Crashes;
use super::process::{Launch, Process, ending};
use super::{Deployment, Runner};
use convox_wire::{self, AppName, Environment, ProcessId, ServiceName};

/// The running one-off processes.
#[derive(Debug, Default)]
pub(super) struct OneOffs(Mutex<Vec<Running>>);

#[derive(Debug)]
struct Running {
    id: ProcessId,
    app: AppName,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

/// What a one-off process does other than its service.
#[derive(Debug, Clone, Default)]
pub(crate) struct OneOff {
    /// What its id begins with; the name of the service if `None`.
    pub(crate) name: Option<String>,
    /// Its command; that of the service if `None`.
    pub(crate) command: Option<Vec<String>>,
    /// Additional variables.
    pub(crate) variables: Environment,
}

impl OneOffs {
    /// Stops the processes of an app, or of all apps.
    pub(super) async fn stop(&self, app: Option<&AppName>) {
        self.stop_each(|one| app.is_none_or(|app| one.app == *app)).await;
    }

    async fn stop_each(&self, matches: impl Fn(&Running) -> bool) {
        let matching: Vec<Running> = self.all().extract_if(.., |one| matches(one)).collect();
        matching.iter().for_each(|one| one.stop.cancel());
        // How they ended doesn't matter here.
        let _ = join_all(matching.into_iter().map(|one| one.done)).await;
    }

    fn add(&self, one: Running) {
        let mut all = self.all();
        all.retain(|one| !one.done.is_finished());
        all.push(one);
    }

    fn all(&self) -> MutexGuard<'_, Vec<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runner {
    /// Starts a process of a service with another command, without a port and in its own copy of the
    /// source, and with additional variables. Returns when it has started.
    ///
    /// # Errors
    /// Returns why it can't be started, as a sentence.
    pub(crate) async fn run_once(
        &self,
        deployment: Deployment,
        service: &ServiceName,
        one_off: OneOff,
    ) -> Result<ProcessId, String> {
        let found = deployment.manifest.service(service).cloned();
        let mut service = found.ok_or_else(|| format!("service not found: {service}"))?;
        service.port = None;
        service.health = None;
        if let Some(command) = one_off.command {
            service.command = command;
        }
        let app = deployment.app.clone();
        let launch = Launch {
            context: Arc::clone(&self.0.context),
            deployment: Arc::new(deployment),
            name: one_off.name.unwrap_or_else(|| service.name.to_string()),
            service,
            variables: one_off.variables,
            crashes: Crashes::default(),
        };
        let process = Process::start(&launch).await?;
        process.set_running();
        let id = process.id.clone();
        let stop = CancellationToken::new();
        let done = tokio::spawn(watch(launch, process, stop.clone()));
        self.0.one_offs.add(Running { id: id.clone(), app, stop, done });
        Ok(id)
    }

    /// Stops a process that [`Runner::run_once`] has started.
    pub(crate) async fn stop_once(&self, id: &ProcessId) {
        self.0.one_offs.stop_each(|one| one.id == *id).await;
    }
}

/// Waits for a process to end, and cleans up after it.
async fn watch(launch: Launch, mut process: Process, stop: CancellationToken) {
    let id = process.id.clone();
    let how = tokio::select! {
        status = process.ended() => ending(status),
        () = stop.cancelled() => "stopped".to_owned(),
    };
    process.stop().await;
    launch.log(&id, &format!("{id}: {how}"));
}
