//! The state that all parts of a rack share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;

use super::builds::{self, Builds};
use super::directories::Directories;
use super::error::Refusal;
use super::logs::{AppLogs, BuildLogs, LogTap};
use super::resources::Resources;
use super::rollouts::Rollouts;
use super::runner::{self, BaseEnvironment, Runner, RunnerStore};
use super::store::{self, AppRecord, Store};
use crate::clock::Clock;
use convox_wire::AppName;

/// The name of the rack.
pub(crate) const NAME: &str = "dev";

/// The configuration of a rack. The rack itself reads no environment variables.
#[derive(Clone)]
pub struct RackOptions {
    /// The data directory. Only one rack can use it at a time.
    pub data: PathBuf,
    /// The password that clients send with HTTP Basic authentication.
    pub password: SecretString,
    /// The clock.
    pub clock: Clock,
    /// The variables that builds and services inherit: PATH, HOME, LANG, TMPDIR.
    pub environment: BaseEnvironment,
    /// Sizes, counts and time limits.
    pub limits: Limits,
    /// Receives what is written into the logs of apps.
    pub log_tap: Option<LogTap>,
}

/// Sizes, counts and time limits of a rack.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Maximum size of an object, in bytes.
    pub object: u64,
    /// Number of releases kept for each app, in addition to the active one.
    pub releases: usize,
    /// Minimum age at which a release is removed: a client may be about to promote it.
    pub release_age: Duration,
    /// Size of an app's log, in bytes; older lines are removed.
    pub app_log: u64,
    /// Time for a client to send the headers of a request; idle connections are closed after it.
    pub headers: Duration,
    /// Maximum number of connections that have not sent the password. Beyond it the oldest is
    /// closed.
    pub strangers: usize,
    /// Maximum number of concurrent builds.
    pub builds: usize,
    /// Minimum time for which an app is shown as `rollback`.
    pub rollback: Duration,
    /// Time limits of the processes that the rack runs.
    pub processes: runner::Limits,
    /// How long the rack waits for clients and builds when it stops.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object: 64 << 30,
            releases: 20,
            release_age: Duration::from_secs(60 * 60),
            app_log: 10 << 20,
            headers: Duration::from_secs(30),
            strangers: 128,
            builds: std::thread::available_parallelism().map_or(1, usize::from),
            rollback: Duration::from_millis(500),
            processes: runner::Limits::default(),
            stop: Duration::from_secs(5),
        }
    }
}

/// The phase that a rack is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// Requests are answered, but processes of an earlier rack are still being stopped.
    Starting,
    /// Fully started.
    Running,
    /// Shutting down.
    Stopping,
}

/// The rack, shared by all request handlers and background tasks.
pub(crate) struct Rack {
    pub(crate) store: Store,
    pub(crate) directories: Directories,
    pub(crate) logs: AppLogs,
    pub(crate) build_logs: BuildLogs,
    pub(crate) runner: Runner,
    pub(crate) resources: Resources,
    pub(crate) runner_store: Arc<dyn RunnerStore>,
    pub(crate) environment: BaseEnvironment,
    pub(crate) builds: Builds,
    pub(crate) rollouts: Rollouts,
    pub(crate) password: SecretString,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) lifecycle: watch::Sender<Lifecycle>,
}

impl Rack {
    /// Returns the app, or a 404.
    pub(crate) fn app(&self, name: &AppName) -> Result<AppRecord, Refusal> {
        let app = self.store.read(|tx| store::app(tx, name))?;
        app.ok_or_else(|| Refusal::no_such_app(name))
    }

    /// Fails unless the app exists and is not being deleted.
    pub(crate) fn check_living(&self, name: &AppName) -> Result<(), Refusal> {
        self.store.read(|tx| Ok(builds::living_app(tx, name)))?.map(drop)
    }

    /// Writes a message of the rack to the app's log.
    pub(crate) fn log_app(&self, app: &AppName, message: &str) {
        self.logs.write(app, &format!("system/rack/{app}"), message);
    }

    /// Writes a message to the rack's own log.
    pub(crate) fn log_system(&self, message: &str) {
        self.logs.system().write("system/rack", message);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.lifecycle.borrow() == Lifecycle::Stopping
    }

    /// Waits until apps may be started. Returns `false` if the rack stops instead.
    pub(crate) async fn wait_until_running(&self) -> bool {
        let mut life = self.lifecycle.subscribe();
        let life = life.wait_for(|life| *life != Lifecycle::Starting).await;
        life.is_ok_and(|life| *life == Lifecycle::Running)
    }
}

/// Runs an action to its end even if the client that requested it disconnects.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    action: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::spawn(action).await;
    done.unwrap_or_else(|_| Err(Refusal::internal("the rack stopped during the operation")))
}

/// The state that axum passes to every handler.
pub(crate) type Shared = Arc<Rack>;

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn an_action_completes_after_its_caller_is_gone() {
        let (go, gone) = oneshot::channel();
        let (report, reported) = oneshot::channel();
        let action = run_to_completion(async move {
            gone.await.unwrap();
            report.send(()).unwrap();
            Ok(())
        });
        assert!(action.now_or_never().is_none(), "begun, not done, and dropped");
        go.send(()).unwrap();
        reported.await.unwrap();
    }
}
