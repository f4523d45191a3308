//! The rack: what its parts share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;

use super::builds::Builds;
use super::directories::Directories;
use super::error::Refusal;
use super::logs::{AppLogs, BuildLogs};
use super::rollouts::Rollouts;
use super::runner::{self, BaseEnvironment, Ledger, Runner};
use super::store::{self, AppRecord, Store};
use crate::clock::Clock;
use convox_wire::AppName;

/// What a rack is given: nothing is read from the environment.
#[derive(Clone)]
pub struct RackOptions {
    /// The folder of everything it keeps. Only one rack can use it at a time.
    pub data: PathBuf,
    /// What clients must know.
    pub password: SecretString,
    /// The time.
    pub clock: Clock,
    /// The variables that builds and services get besides their own: PATH, HOME, LANG, TMPDIR.
    pub environment: BaseEnvironment,
    /// Sizes, numbers and times.
    pub limits: Limits,
}

/// How much, how many, how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of an object.
    pub object: u64,
    /// Releases of an app that are kept besides the active one.
    pub releases: usize,
    /// Bytes of an app's log that are kept.
    pub app_log: u64,
    /// Builds that run at once.
    pub builds: usize,
    /// How long an app at least shows `rollback`.
    pub rollback: Duration,
    /// Of the processes that it runs.
    pub processes: runner::Limits,
    /// How long clients and builds have to come to their end when the rack stops.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object: 64 << 30,
            releases: 20,
            app_log: 10 << 20,
            builds: std::thread::available_parallelism().map_or(1, usize::from),
            rollback: Duration::from_millis(500),
            processes: runner::Limits::default(),
            stop: Duration::from_secs(5),
        }
    }
}

/// Where the rack is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// It answers, but still ends what a rack before it left running.
    Starting,
    /// All works.
    Running,
    /// It comes to its end.
    Stopping,
}

/// The rack. Shared by all requests.
pub(crate) struct Rack {
    pub(crate) store: Store,
    pub(crate) directories: Directories,
    pub(crate) logs: AppLogs,
    pub(crate) build_logs: BuildLogs,
    pub(crate) runner: Runner,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) environment: BaseEnvironment,
    pub(crate) builds: Builds,
    pub(crate) rollouts: Rollouts,
    pub(crate) password: SecretString,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) lifecycle: watch::Sender<Lifecycle>,
}

impl Rack {
    /// The app of this name.
    pub(crate) fn app(&self, name: &AppName) -> Result<AppRecord, Refusal> {
        let app = self.store.read(|tx| store::app(tx, name))?;
        app.ok_or_else(|| Refusal::no_such_app(name))
    }

    /// Tells the app's log what the rack does with it.
    pub(crate) fn log_app(&self, app: &AppName, message: &str) {
        self.logs.write(app, &format!("system/rack/{app}"), message);
    }

    /// Tells the rack's own log.
    pub(crate) fn log_system(&self, message: &str) {
        self.logs.system().write("system/rack", message);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.lifecycle.borrow() == Lifecycle::Stopping
    }

    /// Waits until apps may be started; false if the rack comes to its end instead.
    pub(crate) async fn wait_until_running(&self) -> bool {
        let mut life = self.lifecycle.subscribe();
        let life = life.wait_for(|life| *life != Lifecycle::Starting).await;
        life.is_ok_and(|life| *life == Lifecycle::Running)
    }
}

/// Carries out an action to its end, also if the client that asked for it goes away.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    action: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::spawn(action).await;
    done.unwrap_or_else(|_| Err(Refusal::internal("the rack stopped in the middle of it")))
}

/// What every request is handed.
pub(crate) type Shared = Arc<Rack>;

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_was_begun_is_carried_out_though_nobody_waits_for_it() {
        let (go, gone) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let action = run_to_completion(async move {
            gone.await.unwrap();
            tell.send(()).unwrap();
            Ok(())
        });
        assert!(action.now_or_never().is_none(), "begun, not done, and dropped");
        go.send(()).unwrap();
        told.await.unwrap();
    }
}
