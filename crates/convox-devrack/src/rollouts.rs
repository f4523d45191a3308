//! Promotes: accepted, rolled out in the background, and rolled back on failure.
//!
//! An accepted promote is stored before it is answered, so a rack that was killed completes it when
//! it starts again.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use redb::WriteTransaction;
use tokio_util::sync::CancellationToken;

use super::builds::living_app;
use super::error::Refusal;
use super::gc;
use super::manifest::Manifest;
use super::rack::Shared;
use super::runner::{Deployment, OneOff, PromoteFailure};
use super::store::{self, AppRecord, BuildRecord, ReleaseRecord, Rollout, Stage, StoreError};
use super::tasks::{Predecessor, Tasks};
use convox_wire::{AppName, AppStatus, ProcessId, ReleaseId, ServiceName};

/// The rollouts in progress, at most one per app.
#[derive(Default)]
pub(crate) struct Rollouts {
    pub(crate) tasks: Tasks<AppName>,
}

/// Accepts a promote and starts its rollout. With `force` it supersedes one in progress.
pub(crate) async fn promote(
    rack: Shared,
    app: AppName,
    release: ReleaseId,
    force: bool,
) -> Result<(), Refusal> {
    let name = app.clone();
    let shared = rack.clone();
    let (rollout, before) =
        rack.store.write(move |tx| accept(&shared, tx, &name, &release, force)).await?;
    if let Some(before) = before {
        let new = &rollout.release;
        rack.log_app(
            &app,
            &format!("promoting release {} was canceled: superseded by {new}", before.release),
        );
    }
    begin(&rack, app, rollout);
    Ok(())
}

/// Checks a promote in the order of v3 racks, except that older releases are accepted. Returns the
/// new rollout and the one that it supersedes.
fn accept(
    rack: &Shared,
    tx: &WriteTransaction,
    name: &AppName,
    id: &ReleaseId,
    force: bool,
) -> Result<(Rollout, Option<Rollout>), Refusal> {
    let mut app = living_app(tx, name)?;
    if app.status() != AppStatus::Running && !force {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "app is currently updating"));
    }
    let release = release(tx, name, id)?;
    check_runnable(rack, &release)?;
    let number = store::next_number(tx)?;
    let rollout = Rollout { number, release: id.clone(), stage: Stage::Updating };
    let before = app.rollout.replace(rollout.clone());
    store::put_app(tx, &app)?;
    Ok((rollout, before))
}

fn release(tx: &WriteTransaction, app: &AppName, id: &ReleaseId) -> Result<ReleaseRecord, Refusal> {
    if let Some(release) = store::find(tx, app, id.as_str())? {
        return Ok(release);
    }
    if !store::was_deleted::<ReleaseRecord>(tx, app, id.as_str())? {
        return Err(Refusal::no_such_release(id.as_str()));
    }
    Err(Refusal::bad_request(format!(
        "release {id} was removed: this rack keeps the newest releases of an app and the active one; \
         deploy that state again"
    )))
}

fn check_runnable(rack: &Shared, release: &ReleaseRecord) -> Result<(), Refusal> {
    let text = release.manifest.as_deref().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Refusal::bad_request("can not promote a release with an empty manifest"));
    }
    let manifest = Manifest::parse(text, &release.environment)
        .map_err(|error| Refusal::bad_request(error.to_string()))?;
    let missing = manifest.missing(&release.environment);
    if missing.is_empty() {
        let installed = rack.resources.check(&manifest, &release.environment);
        return installed.map_err(Refusal::bad_request);
    }
    Err(Refusal::bad_request(format!("required env: {}", missing.join(", "))))
}

/// Starts a stored rollout. A rollout in progress is canceled and waited for.
pub(crate) fn begin(rack: &Shared, app: AppName, rollout: Rollout) {
    let shared = rack.clone();
    rack.rollouts.tasks.start(app.clone(), rollout.number, |stop, before| async move {
        roll_out(shared, app, rollout, stop, before).await;
    });
}

async fn roll_out(
    rack: Shared,
    app: AppName,
    rollout: Rollout,
    stop: CancellationToken,
    before: Predecessor,
) {
    if let Some(before) = before {
        // How the previous rollout ended doesn't matter here.
        let _ = before.await;
    }
    if !rack.wait_until_running().await {
        return;
    }
    rack.log_app(&app, &format!("promoting release {}", rollout.release));
    let stored = match run(&rack, &app, &rollout.release, &stop).await {
        Ok(()) => confirm(&rack, &app, rollout).await,
        // The rollout is completed when the rack starts again.
        Err(_) if rack.is_stopping() => return,
        Err(failure) => roll_back(&rack, &app, rollout, failure, stop).await,
    };
    if let Err(error) = stored {
        rack.log_system(&format!("{app}: the result of a promote can't be stored: {error}"));
    }
}

/// Replaces the running release. The reason of a failure is logged to the app's log.
async fn run(
    rack: &Shared,
    app: &AppName,
    release: &ReleaseId,
    stop: &CancellationToken,
) -> Result<(), PromoteFailure> {
    match prepare(rack, app, release).await {
        // The runner logs the outcome.
        Ok(deployment) => {
            let (manifest, environment) =
                (deployment.manifest.clone(), deployment.environment.clone());
            rack.runner.promote(deployment, stop.clone()).await?;
            rack.resources.keep_only(app, &manifest, &environment).await;
            Ok(())
        }
        Err(reason) => {
            rack.log_app(app, &format!("release {release} can't run: {reason}"));
            Err(PromoteFailure { reason, process: None, last_lines: Vec::new(), canceled: false })
        }
    }
}

/// Starts the resources of a release, and returns what is needed to run it, or why it can't run.
pub(crate) async fn prepare(
    rack: &Shared,
    app: &AppName,
    id: &ReleaseId,
) -> Result<Deployment, String> {
    let mut deployment = deployment(rack, app, id)?;
    let Deployment { manifest, environment, resources, .. } = &mut deployment;
    rack.resources.start(app, manifest, environment).await?;
    for service in &manifest.services {
        let variables = rack.resources.variables(app, service, environment);
        resources.insert(service.name.clone(), variables);
    }
    Ok(deployment)
}

/// Starts a one-off process of a service of a release, with the release's resources.
pub(crate) async fn run_once(
    rack: &Shared,
    app: &AppName,
    release: &ReleaseId,
    service: &ServiceName,
    one_off: OneOff,
) -> Result<ProcessId, Refusal> {
    let deployment = prepare(rack, app, release).await.map_err(Refusal::bad_request)?;
    let started = rack.runner.run_once(deployment, service, one_off).await;
    let id = started.map_err(Refusal::bad_request)?;
    // The app's other processes may have been stopped in the meantime.
    if let Err(refusal) = rack.check_living(app) {
        rack.runner.stop_once(&id).await;
        return Err(refusal);
    }
    Ok(id)
}

/// Returns what is needed to run a release, except for its resources.
pub(crate) fn deployment(
    rack: &Shared,
    app: &AppName,
    id: &ReleaseId,
) -> Result<Deployment, String> {
    let found = rack.store.read(|tx| {
        let counts = store::app(tx, app)?.map(|app| app.counts).unwrap_or_default();
        Ok((store::find::<ReleaseRecord>(tx, app, id.as_str())?, counts))
    });
    let (release, counts) = found.map_err(|error| error.to_string())?;
    let release = release.ok_or_else(|| format!("release {id} no longer exists"))?;
    let build = release.build.ok_or_else(|| format!("release {id} has no build"))?;
    let record = rack.store.read(|tx| store::find::<BuildRecord>(tx, app, build.as_str()));
    let description =
        record.map_err(|error| error.to_string())?.and_then(|build| build.description);
    let source = rack.directories.source(app, &build);
    if !source.is_dir() {
        return Err(format!("the files of build {build} are missing in the rack's data directory"));
    }
    let text = release.manifest.as_deref().unwrap_or_default();
    let manifest = Manifest::parse(text, &release.environment);
    Ok(Deployment {
        app: app.clone(),
        release: release.id,
        build,
        build_description: description.unwrap_or_default(),
        source,
        manifest: manifest.map_err(|error| error.to_string())?,
        environment: release.environment,
        counts,
        resources: BTreeMap::new(),
    })
}

/// Makes the new release, which is running, the active one.
async fn confirm(rack: &Shared, app: &AppName, rollout: Rollout) -> Result<(), StoreError> {
    let (release, now) = (rollout.release.clone(), rack.clock.now());
    let ours = settle(rack, app, rollout.number, move |tx, app| {
        let is_new = app.active.as_ref() != Some(&release);
        mark(tx, &app.name, &release, |release| {
            release.failure = None;
            // A restart of the rack makes no release active that was active before.
            release.promoted = release.promoted.filter(|_| !is_new).or(Some(now));
        })?;
        app.active = Some(release);
        app.rollout = None;
        Ok(())
    });
    if ours.await?.is_some() {
        gc::collect(rack, app).await?;
    }
    Ok(())
}

/// Rolls back to the active release. The app shows `rollback` meanwhile.
async fn roll_back(
    rack: &Shared,
    app: &AppName,
    rollout: Rollout,
    failure: PromoteFailure,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let Rollout { number, release, .. } = rollout;
    let failed_release = release.clone();
    let failed = settle(rack, app, number, move |tx, app| {
        app.rollout.iter_mut().for_each(|rollout| rollout.stage = Stage::Rollback);
        if failure.canceled {
            return Ok(());
        }
        mark(tx, &app.name, &failed_release, |release| release.failure = Some(failure.reason))
    });
    let Some(record) = failed.await? else { return Ok(()) };
    match &record.active {
        Some(active) => restore(rack, app, &release, active).await,
        None => rack.log_app(app, "there is no earlier release to roll back to"),
    }
    tokio::select! {
        () = rack.clock.sleep(rack.limits.rollback) => (),
        () = stop.cancelled() => (),
    }
    let ended = settle(rack, app, number, |_, app| {
        app.rollout = None;
        Ok(())
    });
    ended.await.map(drop)
}

/// Changes the record of a release, if it still exists.
fn mark(
    tx: &WriteTransaction,
    app: &AppName,
    id: &ReleaseId,
    change: impl FnOnce(&mut ReleaseRecord),
) -> Result<(), StoreError> {
    let Some(mut release) = store::find::<ReleaseRecord>(tx, app, id.as_str())? else {
        return Ok(());
    };
    change(&mut release);
    store::put(tx, &release)
}

/// Restarts the active release, unless it is still running, which is the usual case.
async fn restore(rack: &Shared, app: &AppName, failed: &ReleaseId, active: &ReleaseId) {
    let processes = rack.runner.processes(app);
    let runs = processes.iter().any(|process| process.release.as_ref() == Some(active));
    if runs {
        return rack.log_app(app, &format!("rolled back: release {active} is still running"));
    }
    if failed == active {
        return rack.log_app(
            app,
            &format!("release {active} is the one to roll back to, and does not run"),
        );
    }
    rack.log_app(app, &format!("rolling back to release {active}"));
    // The runner logs the outcome.
    let _ = run(rack, app, active, &CancellationToken::new()).await;
}

/// Changes the app's record if the rollout with this number is still current. Returns the changed
/// record.
async fn settle(
    rack: &Shared,
    app: &AppName,
    number: u64,
    change: impl FnOnce(&WriteTransaction, &mut AppRecord) -> Result<(), StoreError> + Send + 'static,
) -> Result<Option<AppRecord>, StoreError> {
    let name = app.clone();
    let settled = rack.store.write(move |tx| {
        let Some(mut app) = store::app(tx, &name)? else { return Ok(None) };
        if app.rollout.as_ref().is_none_or(|rollout| rollout.number != number) {
            return Ok(None);
        }
        change(tx, &mut app)?;
        store::put_app(tx, &app)?;
        Ok(Some(app))
    });
    settled.await
}

/// Cancels the promote in progress, which is then rolled back.
pub(crate) fn cancel(rack: &Shared, app: &AppRecord) -> Result<(), Refusal> {
    if app.status() != AppStatus::Updating {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "app is not updating"));
    }
    rack.rollouts.tasks.stop(&app.name);
    Ok(())
}
