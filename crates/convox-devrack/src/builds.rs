//! Builds: accepted, queued for a free slot, run, and turned into a release.

use std::sync::Arc;

use axum::http::StatusCode;
use redb::WriteTransaction;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::builder::{self, BuildJob, BuiltManifest, EarlierBuild};
use super::error::Refusal;
use super::logs::BuildLog;
use super::rack::{Rack, Shared};
use super::store::{self, AppRecord, BuildRecord, ReadTx, ReleaseRecord, StoreError};
use super::tasks::Tasks;
use super::{gc, ids, objects, releases};
use convox_wire::{AppName, BuildId, BuildStatus, ReleaseId};

/// The builds in progress.
pub(crate) struct Builds {
    pub(crate) tasks: Tasks<(AppName, BuildId)>,
    slots: Arc<Semaphore>,
}

impl Builds {
    /// At most `slots` builds run concurrently.
    pub(crate) fn new(slots: usize) -> Self {
        Self { tasks: Tasks::default(), slots: Arc::new(Semaphore::new(slots.max(1))) }
    }
}

/// The request for a build.
#[derive(Debug)]
pub(crate) struct NewBuild {
    pub(crate) object: objects::Key,
    pub(crate) key: String,
    pub(crate) description: Option<String>,
    pub(crate) git_sha: Option<String>,
    pub(crate) manifest_name: Option<String>,
    /// Whether to carry cached directories over from the build before.
    pub(crate) use_cache: bool,
    /// The first lines of the log: options that this rack ignores.
    pub(crate) warnings: Vec<String>,
}

/// Accepts a build, and runs it in the background. It is stored, and so listed, on return.
pub(crate) async fn start(
    rack: Shared,
    app: AppName,
    new: NewBuild,
) -> Result<BuildRecord, Refusal> {
    let slot = rack.builds.slots.clone().try_acquire_owned().ok();
    let status = if slot.is_some() { BuildStatus::Running } else { BuildStatus::Created };
    let record = BuildRecord {
        number: 0,
        id: BuildId::from_rack(ids::random('B')?),
        app: app.clone(),
        description: new.description,
        git_sha: new.git_sha,
        manifest_name: new.manifest_name,
        manifest: None,
        object: new.key,
        status,
        release: None,
        reason: None,
        started: rack.clock.now(),
        ended: None,
    };
    // The log is created first: a client that sees the build can follow its log.
    let file = rack.directories.build_log(&app, &record.id);
    let log = rack.build_logs.begin(&record.id, &file)?;
    new.warnings.iter().for_each(|warning| log.line(warning));
    let id = record.id.clone();
    let accepted = rack.store.write(move |tx| accept(tx, record)).await;
    let record = accepted.inspect_err(|_| rack.build_logs.end(&id))?;
    let (tasks, key) = (&rack.builds.tasks, (app, record.id.clone()));
    let (shared, build) = (rack.clone(), record.clone());
    let input = Input { object: new.object, use_cache: new.use_cache };
    tasks.start(key, record.number, |stop, _| async move {
        run(shared, build, input, log, slot, stop).await;
    });
    Ok(record)
}

/// What a build works with.
struct Input {
    /// The upload.
    object: objects::Key,
    use_cache: bool,
}

/// Stores a new build, unless its app is being deleted.
pub(crate) fn accept(
    tx: &WriteTransaction,
    mut record: BuildRecord,
) -> Result<BuildRecord, Refusal> {
    living_app(tx, &record.app)?;
    record.number = store::next_number(tx)?;
    store::put(tx, &record)?;
    Ok(record)
}

/// Returns the app, unless it is missing or being deleted.
pub(crate) fn living_app(tx: &impl ReadTx, name: &AppName) -> Result<AppRecord, Refusal> {
    let app = store::app(tx, name)?.ok_or_else(|| Refusal::no_such_app(name))?;
    if app.deleting {
        let message = format!("app is being deleted: {name}");
        return Err(Refusal::new(StatusCode::CONFLICT, message));
    }
    Ok(app)
}

async fn run(
    rack: Shared,
    record: BuildRecord,
    input: Input,
    log: Arc<BuildLog>,
    slot: Option<OwnedSemaphorePermit>,
    stop: CancellationToken,
) {
    let built = tokio::select! {
        slot = take_slot(&rack, &record, &log, slot) => match slot {
            Ok(slot) => Some(build(&rack, &record, &input, &log, stop.clone(), slot).await),
            Err(reason) => Some(Err(reason)),
        },
        () = stop.cancelled() => None,
    };
    let built = built.unwrap_or_else(|| Err("canceled before it started".to_owned()));
    let stored = finish(&rack, record.clone(), built, &log).await;
    if let Err(error) = stored {
        rack.log_system(&format!("{}: its result can't be stored: {}", record.id, error.message));
    }
    rack.build_logs.end(&record.id);
    gc::after_build(&rack, &record.app, &record.id).await;
}

/// Waits for a free slot, unless there was one at the start.
async fn take_slot(
    rack: &Shared,
    record: &BuildRecord,
    log: &BuildLog,
    slot: Option<OwnedSemaphorePermit>,
) -> Result<OwnedSemaphorePermit, String> {
    if let Some(slot) = slot {
        return Ok(slot);
    }
    log.line("Waiting for other builds to finish");
    let slot = rack.builds.slots.clone().acquire_owned().await;
    let slot = slot.map_err(|error| error.to_string())?;
    let running = BuildRecord { status: BuildStatus::Running, ..record.clone() };
    let stored = rack.store.write(move |tx| replace(tx, &running)).await;
    stored.map_err(|error: StoreError| error.to_string())?;
    Ok(slot)
}

/// Updates a build, unless it was deleted with its app meanwhile. Returns whether it was there.
fn replace(tx: &WriteTransaction, record: &BuildRecord) -> Result<bool, StoreError> {
    let there: Option<BuildRecord> = store::find(tx, &record.app, record.id.as_str())?;
    if there.is_some() {
        store::put(tx, record)?;
    }
    Ok(there.is_some())
}

async fn build(
    rack: &Shared,
    record: &BuildRecord,
    input: &Input,
    log: &Arc<BuildLog>,
    stop: CancellationToken,
    _seat: OwnedSemaphorePermit,
) -> Result<BuiltManifest, String> {
    let archive = input.object.path(&rack.directories.objects(&record.app));
    if !archive.exists() {
        return Err(format!(
            "its source was not uploaded: object://{}/{}",
            record.app, record.object
        ));
    }
    let newest = rack.store.read(|tx| releases::newest(tx, &record.app));
    let newest = newest.map_err(|error| error.to_string())?;
    let earlier = if input.use_cache { earlier(rack, record) } else { None };
    let job = BuildJob {
        archive,
        data: rack.directories.root().to_owned(),
        source: rack.directories.source(&record.app, &record.id),
        earlier,
        manifest_name: record.manifest_name.clone(),
        app: record.app.clone(),
        build: record.id.clone(),
        environment: newest.map(|release| release.environment).unwrap_or_default(),
        base: rack.environment.clone(),
        store: rack.runner_store.clone(),
        stop,
    };
    let lines = log.clone();
    let built = builder::build(job, Arc::new(move |line: &str| lines.line(line))).await;
    built.map_err(|error| error.to_string())
}

/// Returns the newest complete build whose source is there.
fn earlier(rack: &Rack, record: &BuildRecord) -> Option<EarlierBuild> {
    let builds = rack.store.read(|tx| store::newest::<BuildRecord>(tx, &record.app, usize::MAX));
    let complete = builds.ok()?.into_iter().filter(|build| build.status == BuildStatus::Complete);
    complete
        .map(|build| EarlierBuild {
            source: rack.directories.source(&build.app, &build.id),
            build: build.id,
        })
        .find(|earlier| earlier.source.is_dir())
}

/// Writes the last lines of the log and stores how the build ended. The log is ended afterwards, so
/// that its end implies a stored result.
async fn finish(
    rack: &Shared,
    record: BuildRecord,
    built: Result<BuiltManifest, String>,
    log: &BuildLog,
) -> Result<(), Refusal> {
    let release = ReleaseId::from_rack(ids::random('R')?);
    match &built {
        Ok(built) => log_success(rack, &record, built, &release, log).await,
        Err(reason) => log.line(&format!("Build failed: {reason}")),
    }
    if rack.directories.app(&record.app).exists() {
        // The end of a build is stored in any case, as clients wait for it.
        if let Err(error) = keep_log(rack, &record) {
            rack.log_system(&format!("{}: its log can't be stored: {}", record.id, error.message));
        }
    }
    let now = rack.clock.now();
    let ended = rack.store.write(move |tx| end(tx, record, built, release, now)).await;
    ended.map_err(Refusal::from)
}

async fn log_success(
    rack: &Shared,
    record: &BuildRecord,
    built: &BuiltManifest,
    release: &ReleaseId,
    log: &BuildLog,
) {
    log.line(&format!("Built {release} from {}", record.id));
    match rack.runner.open_gateways(&record.app, &built.manifest).await {
        Ok(open) => {
            open.iter().for_each(|(service, at)| log.line(&format!("{service}: http://{at}")))
        }
        Err(error) => log.line(&format!("can't open the addresses of the services: {error}")),
    }
}

/// Stores the log of a build that has ended as an object too.
pub(crate) fn keep_log(rack: &Rack, record: &BuildRecord) -> Result<(), Refusal> {
    let key = objects::Key::parse(&BuildRecord::logs_key(&record.id))?;
    let file = rack.directories.build_log(&record.app, &record.id);
    Ok(objects::link(&rack.directories.objects(&record.app), &key, &file)?)
}

fn end(
    tx: &WriteTransaction,
    mut record: BuildRecord,
    built: Result<BuiltManifest, String>,
    release: ReleaseId,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), StoreError> {
    record.ended = Some(now);
    match built {
        Ok(built) => {
            record.status = BuildStatus::Complete;
            record.manifest = Some(built.text);
            record.release = Some(release);
        }
        Err(reason) => {
            record.status = BuildStatus::Failed;
            record.reason = Some(reason);
        }
    }
    if !replace(tx, &record)? || record.status == BuildStatus::Failed {
        return Ok(());
    }
    put_release(tx, &record)
}

/// Stores the release of a complete build. As on real racks its environment is that of the newest
/// release, active or not.
pub(crate) fn put_release(tx: &WriteTransaction, build: &BuildRecord) -> Result<(), StoreError> {
    let Some((id, created)) = build.release.clone().zip(build.ended) else { return Ok(()) };
    let newest = releases::newest(tx, &build.app)?;
    let release = ReleaseRecord {
        number: store::next_number(tx)?,
        id,
        app: build.app.clone(),
        build: Some(build.id.clone()),
        environment: newest.map(|newest| newest.environment).unwrap_or_default(),
        manifest: build.manifest.clone(),
        description: build.description.clone(),
        created,
        failure: None,
        promoted: None,
    };
    store::put(tx, &release)
}
