use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::app_log::stamp;
use super::{AppLog, LogLimits};
use crate::clock::Clock;
use crate::directories::Directories;
use convox_wire::AppName;

/// Receives each line of the apps' logs while they are written: `TIME APP/SOURCE MESSAGE`, with a
/// newline. It must not block.
pub type LogTap = Arc<dyn Fn(&str) + Send + Sync>;

/// The logs of all apps, and the rack's own. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppLogs {
    directories: Directories,
    clock: Clock,
    limits: LogLimits,
    tap: Option<LogTap>,
    system: Arc<AppLog>,
    apps: Arc<Mutex<HashMap<AppName, Arc<AppLog>>>>,
}

impl AppLogs {
    pub(crate) fn open(
        directories: Directories,
        clock: Clock,
        limits: LogLimits,
        tap: Option<LogTap>,
    ) -> io::Result<Self> {
        let system = Arc::new(AppLog::open(directories.system_log(), clock.clone(), limits)?);
        Ok(Self { directories, clock, limits, tap, system, apps: Arc::default() })
    }

    /// Opens the log of an app, when it is created and when the rack starts.
    pub(crate) fn open_app(&self, app: &AppName) -> io::Result<()> {
        let dir = self.directories.app_log(app);
        let log = AppLog::open(dir, self.clock.clone(), self.limits)?;
        self.apps().insert(app.clone(), Arc::new(log));
        Ok(())
    }

    /// Closes the log of a deleted app. Later messages are dropped.
    pub(crate) fn close_app(&self, app: &AppName) {
        if let Some(log) = self.apps().remove(app) {
            log.close();
        }
    }

    /// Returns the log of an app.
    pub(crate) fn app(&self, app: &AppName) -> Option<Arc<AppLog>> {
        self.apps().get(app).cloned()
    }

    /// Returns the rack's own log.
    pub(crate) fn system(&self) -> &Arc<AppLog> {
        &self.system
    }

    /// Appends a message to the log of an app.
    pub(crate) fn write(&self, app: &AppName, stream: &str, message: &str) {
        if let Some(tap) = &self.tap {
            let time = stamp(self.clock.now());
            message.lines().for_each(|line| tap(&format!("{time} {app}/{stream} {line}\n")));
        }
        if let Some(log) = self.app(app) {
            log.write(stream, message);
        }
    }

    fn apps(&self) -> MutexGuard<'_, HashMap<AppName, Arc<AppLog>>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
