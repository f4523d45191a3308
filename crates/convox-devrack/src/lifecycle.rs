//! The lifecycle of a rack and of an app: opening, starting, stopping, creation and deletion.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use redb::WriteTransaction;
use tokio::sync::watch;

use super::builds::{self, Builds};
use super::directories::{self, Directories};
use super::error::{RackError, Refusal};
use super::logs::{AppLogs, BuildLogs, LogLimits};
use super::rack::{Lifecycle, Rack, RackOptions, Shared};
use super::resources::{self, Resources};
use super::rollouts::{self, Rollouts};
use super::runner::{AppLog, Runner, RunnerParts, RunnerStore};
use super::store::{self, AppRecord, BuildRecord, Rollout, Stage, Store, StoreError};
use super::{gc, ids, objects, removal};
use convox_wire::{AppName, BuildStatus};

/// Number of files in an app's log; the oldest is removed as a whole.
const LOG_FILES: u64 = 10;
/// The pause before a failed deletion is retried. It doubles each time.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// Opens the data directory and repairs the stored state, so that it is correct from here on.
pub(crate) fn open(options: RackOptions) -> Result<Shared, RackError> {
    let root = std::path::absolute(&options.data).map_err(directory_error(&options.data))?;
    let directories = Directories::new(root.clone());
    directories::create_data(directories.root()).map_err(directory_error(directories.root()))?;
    let store = Store::open(&directories.database())?;
    let limits = options.limits;
    let log_limits = LogLimits { segment: limits.app_log / LOG_FILES, segments: LOG_FILES };
    let logs =
        AppLogs::open(directories.clone(), options.clock.clone(), log_limits, options.log_tap)
            .map_err(directory_error(directories.root()))?;
    let runner_store: Arc<dyn RunnerStore> = Arc::new(store.clone());
    let runner = Runner::of(RunnerParts {
        data: root,
        store: runner_store.clone(),
        log: app_log(&logs),
        base: options.environment.clone(),
        limits: limits.processes,
        clock: options.clock.clone(),
    });
    let resources = Resources::new(resources::Context {
        directories: directories.clone(),
        store: runner_store.clone(),
        logs: logs.clone(),
        base: options.environment.clone(),
        limits: limits.processes,
    });
    let rack = Rack {
        store,
        directories,
        logs,
        resources,
        build_logs: BuildLogs::default(),
        runner,
        runner_store,
        environment: options.environment,
        builds: Builds::new(limits.builds),
        rollouts: Rollouts::default(),
        password: options.password,
        clock: options.clock,
        limits,
        lifecycle: watch::Sender::new(Lifecycle::Starting),
    };
    settle(&rack)?;
    Ok(Arc::new(rack))
}

fn directory_error(dir: &Path) -> impl FnOnce(io::Error) -> RackError {
    let dir = dir.to_owned();
    |error| RackError::Directory(dir, error)
}

fn app_log(logs: &AppLogs) -> AppLog {
    let logs = logs.clone();
    Arc::new(move |app: &AppName, stream: &str, line: &str| logs.write(app, stream, line))
}

/// Repairs the state that a killed rack left: running builds are marked as failed, and active
/// releases are scheduled to run.
fn settle(rack: &Rack) -> Result<(), RackError> {
    let apps = rack.store.read(store::all_apps)?;
    for app in apps.iter().filter(|app| !app.deleting) {
        let dir = rack.directories.app(&app.name);
        rack.directories.create_app(&app.name).map_err(directory_error(&dir))?;
        rack.logs.open_app(&app.name).map_err(directory_error(&dir))?;
        removal::remove(&rack.directories.imports(&app.name)).map_err(directory_error(&dir))?;
        objects::sweep(&rack.directories.objects(&app.name)).map_err(directory_error(&dir))?;
        fail_builds(rack, &app.name)?;
    }
    rack.store.write_now(|tx| apps.into_iter().try_for_each(|app| plan_rollout(tx, app)))?;
    Ok(())
}

fn fail_builds(rack: &Rack, app: &AppName) -> Result<(), StoreError> {
    let builds: Vec<BuildRecord> = rack.store.read(|tx| store::newest(tx, app, usize::MAX))?;
    for mut build in builds.into_iter().filter(|build| build.status.is_under_way()) {
        let reason = "the rack was stopped during the build; build again";
        if let Ok(log) =
            rack.build_logs.begin(&build.id, &rack.directories.build_log(app, &build.id))
        {
            log.line(&format!("Build failed: {reason}"));
            rack.build_logs.end(&build.id);
        }
        build.status = BuildStatus::Failed;
        build.reason = Some(reason.to_owned());
        build.ended = Some(rack.clock.now());
        rack.store.write_now(|tx| store::put(tx, &build))?;
        // It may be half unpacked, or half built.
        if let Err(error) = removal::remove(&rack.directories.source(app, &build.id)) {
            rack.log_system(&format!("{}: its source can't be removed: {error}", build.id));
        }
        if let Err(error) = builds::keep_log(rack, &build) {
            rack.log_system(&format!("{}: its log can't be stored: {}", build.id, error.message));
        }
    }
    Ok(())
}

/// Schedules the app's rollout at start: an accepted promote that had not ended, else the active
/// release.
fn plan_rollout(tx: &WriteTransaction, mut app: AppRecord) -> Result<(), StoreError> {
    let unfinished = app.rollout.take().filter(|rollout| rollout.stage == Stage::Updating);
    let release = unfinished.map(|rollout| rollout.release).or_else(|| app.active.clone());
    if let Some(release) = release {
        let number = store::next_number(tx)?;
        app.rollout = Some(Rollout { number, release, stage: Stage::Updating });
    }
    store::put_app(tx, &app)
}

/// Stops processes of an earlier rack, then starts the apps. Requests are answered meanwhile.
pub(crate) async fn start(rack: Shared) {
    rack.log_system("The rack starts");
    rack.runner.stop_orphans().await;
    let removing = rack.clone();
    tokio::spawn(async move { remove_deleted(&removing).await });
    rack.lifecycle.send_if_modified(|life| {
        let starting = *life == Lifecycle::Starting;
        if starting {
            *life = Lifecycle::Running;
        }
        starting
    });
    let Ok(apps) = rack.store.read(store::all_apps) else { return };
    for app in apps {
        let (shared, name) = (rack.clone(), app.name.clone());
        // Best effort: what remains is removed by the next sweep.
        let _ = tokio::task::spawn_blocking(move || gc::sweep(&shared, &name)).await;
        match app.rollout {
            _ if app.deleting => begin_deletion(&rack, app.name),
            Some(rollout) => rollouts::begin(&rack, app.name, rollout),
            None => (),
        }
    }
}

/// Stops builds, rollouts and apps.
pub(crate) async fn stop(rack: &Shared) {
    rack.log_system("The rack stops");
    let limit = rack.limits.stop;
    tokio::join!(rack.builds.tasks.end(limit, |_| true), rack.rollouts.tasks.end(limit, |_| true));
    rack.runner.stop_all().await;
    rack.resources.stop_all().await;
}

/// Creates an app. Its directories are created before it is stored, so a stored app is always
/// usable.
pub(crate) async fn create(rack: Shared, name: AppName) -> Result<AppRecord, Refusal> {
    let app = AppRecord::new(name, rack.clock.now());
    let shared = rack.clone();
    let created = rack.store.write(move |tx| {
        if store::app(tx, &app.name)?.is_some() {
            let message = format!("app already exists: {}", app.name);
            return Err(Refusal::new(StatusCode::CONFLICT, message));
        }
        shared.directories.create_app(&app.name)?;
        shared.logs.open_app(&app.name)?;
        store::put_app(tx, &app)?;
        Ok(app)
    });
    let app = created.await?;
    rack.log_system(&format!("{}: created", app.name));
    Ok(app)
}

/// Marks an app as deleted and starts removing it.
pub(crate) async fn delete(rack: Shared, name: AppName) -> Result<(), Refusal> {
    let app = name.clone();
    if rack.store.write(move |tx| mark_deleted(tx, &app)).await? {
        begin_deletion(&rack, name);
    }
    Ok(())
}

/// Returns `true` for the first call that marks the app.
fn mark_deleted(tx: &WriteTransaction, name: &AppName) -> Result<bool, Refusal> {
    let mut app = store::app(tx, name)?.ok_or_else(|| Refusal::no_such_app(name))?;
    if app.locked {
        let message = format!("app is locked: {name}");
        return Err(Refusal::new(StatusCode::CONFLICT, message));
    }
    let first = !std::mem::replace(&mut app.deleting, true);
    store::put_app(tx, &app)?;
    Ok(first)
}

/// Removes an app in the background. A failure is retried until the rack stops; the next one goes on.
fn begin_deletion(rack: &Shared, name: AppName) {
    let rack = rack.clone();
    tokio::spawn(async move {
        let mut pause = FIRST_RETRY;
        while let Err(error) = tear_down(&rack, &name).await {
            if rack.is_stopping() {
                return;
            }
            rack.log_system(&format!("{name}: can't be deleted yet: {error}"));
            rack.clock.sleep(pause).await;
            pause = LAST_RETRY.min(pause * 2);
        }
    });
}

async fn tear_down(rack: &Shared, name: &AppName) -> Result<(), RackError> {
    let limit = rack.limits.stop;
    rack.rollouts.tasks.end(limit, |app| app == name).await;
    rack.builds.tasks.end(limit, |(app, _)| app == name).await;
    rack.runner.stop_app(name).await;
    rack.resources.stop_app(name).await;
    rack.resources.remove(name).map_err(directory_error(&rack.directories.resources(name)))?;
    rack.logs.close_app(name);
    let dir = rack.directories.app(name);
    move_away(rack, &dir).map_err(directory_error(&dir))?;
    let app = name.clone();
    rack.store.write::<_, StoreError>(move |tx| store::delete_app(tx, &app)).await?;
    rack.log_system(&format!("{name}: deleted"));
    remove_deleted(rack).await;
    Ok(())
}

/// Renames an app's directory, after which nothing can be added to it.
fn move_away(rack: &Rack, dir: &Path) -> io::Result<()> {
    let deleted = rack.directories.deleted();
    directories::create_private(&deleted)?;
    match std::fs::rename(dir, deleted.join(ids::hex::<8>()?)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the files of deleted apps. What can't be removed is retried with the next app, and when
/// the rack starts.
async fn remove_deleted(rack: &Shared) {
    let dir = rack.directories.deleted();
    let removal = tokio::task::spawn_blocking(move || {
        let mut names = directories::file_names(&dir).into_iter();
        names.try_for_each(|name| removal::remove(&dir.join(name)))
    });
    if let Err(error) = removal.await.map_err(io::Error::other).and_then(|removed| removed) {
        rack.log_system(&format!("files of a deleted app can't be removed: {error}"));
    }
}
