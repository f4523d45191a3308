//! Garbage collection: after each promote, old releases and builds are removed with their files.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use redb::WriteTransaction;

use super::objects::{self, Key};
use super::rack::{Rack, Shared};
use super::store::{self, BuildRecord, ReleaseRecord, StoreError};
use super::{directories, runner};
use convox_wire::{AppName, BuildId};

/// How long an upload is kept if no build uses it.
const UNUSED_UPLOAD_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes all releases but the active one and the newest, and all builds that none of these needs.
pub(crate) async fn collect(rack: &Shared, app: &AppName) -> Result<(), StoreError> {
    let (name, max) = (app.clone(), rack.limits.releases);
    let gone = rack.store.write(move |tx| delete_old(tx, &name, max)).await?;
    let (shared, app) = (rack.clone(), app.clone());
    // The records are gone by now; files that can't be removed are retried at the next start.
    let removal = tokio::task::spawn_blocking(move || {
        gone.iter().for_each(|build| remove_files(&shared, build));
        sweep(&shared, &app);
    });
    removal.await.map_err(|_| StoreError::Interrupted)
}

fn delete_old(
    tx: &WriteTransaction,
    name: &AppName,
    max: usize,
) -> Result<Vec<BuildRecord>, StoreError> {
    let Some(app) = store::app(tx, name)? else { return Ok(Vec::new()) };
    let in_use = [app.active, app.rollout.map(|rollout| rollout.release)];
    let releases: Vec<ReleaseRecord> = store::newest(tx, name, usize::MAX)?;
    let mut needed: HashSet<BuildId> = HashSet::new();
    for (age, release) in releases.into_iter().enumerate() {
        if age < max || in_use.contains(&Some(release.id.clone())) {
            needed.extend(release.build);
        } else {
            store::delete(tx, &release)?;
        }
    }
    let builds: Vec<BuildRecord> = store::newest(tx, name, usize::MAX)?;
    let old = builds.into_iter().skip(max);
    let gone: Vec<BuildRecord> =
        old.filter(|build| !needed.contains(&build.id) && !build.status.is_under_way()).collect();
    gone.iter().try_for_each(|build| store::delete(tx, build))?;
    Ok(gone)
}

fn remove_files(rack: &Rack, build: &BuildRecord) {
    let objects = rack.directories.objects(&build.app);
    let files = [Some(build.object.clone()), Some(BuildRecord::logs_key(&build.id))];
    for key in files.iter().flatten().filter_map(|key| Key::parse(key).ok()) {
        report(rack, objects::delete(&objects, &key));
    }
    report(rack, runner::remove_folder(&rack.directories.source(&build.app, &build.id)));
    report(rack, directories::remove(&rack.directories.build_log(&build.app, &build.id)));
}

/// Removes files that belong to no build: sources and logs that a killed rack left, and old uploads
/// that were never built.
pub(crate) fn sweep(rack: &Rack, app: &AppName) {
    let builds = rack.store.read(|tx| store::newest::<BuildRecord>(tx, app, usize::MAX));
    let Ok(builds) = builds else { return };
    let known: HashSet<&str> = builds.iter().map(|build| build.id.as_str()).collect();
    let unknown = |names: Vec<String>| names.into_iter().filter(|name| !known.contains(&**name));
    for name in unknown(directories::file_names(&rack.directories.sources(app))) {
        report(rack, runner::remove_folder(&rack.directories.sources(app).join(name)));
    }
    for name in unknown(directories::file_names(&rack.directories.build_logs(app))) {
        report(rack, directories::remove(&rack.directories.build_logs(app).join(name)));
    }
    let used: HashSet<&str> = builds.iter().map(|build| build.object.as_str()).collect();
    let uploads = objects::list(&rack.directories.objects(app), "tmp/").into_iter();
    uploads.filter(|key| !used.contains(&**key)).for_each(|key| remove_if_old(rack, app, &key));
}

fn remove_if_old(rack: &Rack, app: &AppName, key: &str) {
    let dir = rack.directories.objects(app);
    let Ok(key) = Key::parse(key) else { return };
    let written = std::fs::metadata(key.path(&dir)).and_then(|file| file.modified());
    let now = SystemTime::from(rack.clock.now());
    if written.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > UNUSED_UPLOAD_AGE)) {
        report(rack, objects::delete(&dir, &key));
    }
}

fn report(rack: &Rack, removed: std::io::Result<()>) {
    if let Err(error) = removed {
        rack.log_system(&format!("cleaning up: {error}"));
    }
}
