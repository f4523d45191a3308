//! Garbage collection: after each promote, old releases and builds are removed with their files.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use redb::WriteTransaction;

use super::objects::{self, Key};
use super::rack::{Rack, Shared};
use super::store::{self, BuildRecord, ReleaseRecord, StoreError};
use super::{directories, disk, removal};
use convox_wire::{AppName, BuildId, BuildStatus};

/// How long an upload is kept if no build uses it.
const UNUSED_UPLOAD_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// The same when the user asks for disk space: long enough for a client to start its build.
const PRUNED_UPLOAD_AGE: Duration = Duration::from_secs(60 * 60);

/// Removes all releases but the active one and the newest, and all builds that none of these needs.
pub(crate) async fn collect(rack: &Shared, app: &AppName) -> Result<(), StoreError> {
    collect_with(rack, app, UNUSED_UPLOAD_AGE).await
}

async fn collect_with(rack: &Shared, app: &AppName, age: Duration) -> Result<(), StoreError> {
    let (name, max) = (app.clone(), rack.limits.releases);
    let recent = rack.clock.now() - rack.limits.release_age;
    let gone = rack.store.write(move |tx| delete_old(tx, &name, max, recent)).await?;
    let (shared, app) = (rack.clone(), app.clone());
    // The records are gone by now; files that can't be removed are retried at the next start.
    let removal = tokio::task::spawn_blocking(move || {
        gone.iter().for_each(|build| remove_files(&shared, build));
        sweep_with(&shared, &app, age);
    });
    removal.await.map_err(|_| StoreError::Interrupted)
}

/// Frees disk space: collects garbage of all apps, and removes the uploaded archives of all builds
/// that have ended. Releases run from the unpacked sources. Returns the number of bytes freed.
pub(crate) async fn prune(rack: &Shared) -> Result<u64, StoreError> {
    let before = usage(rack).await?;
    for app in rack.store.read(store::all_apps)?.into_iter().filter(|app| !app.deleting) {
        collect_with(rack, &app.name, PRUNED_UPLOAD_AGE).await?;
        let builds: Vec<BuildRecord> =
            rack.store.read(|tx| store::newest(tx, &app.name, usize::MAX))?;
        let ended = builds.iter().filter(|build| !build.status.is_under_way());
        ended.for_each(|build| remove_archive(rack, build));
    }
    Ok(before.saturating_sub(usage(rack).await?))
}

async fn usage(rack: &Shared) -> Result<u64, StoreError> {
    let root = rack.directories.root().to_owned();
    let usage = tokio::task::spawn_blocking(move || disk::usage(&root));
    usage.await.map_err(|_| StoreError::Interrupted)
}

/// Saves disk space after a build: the archive of a failed one is removed, and the source of a
/// complete one shares equal files with the source of the build before it.
pub(crate) async fn after_build(rack: &Shared, app: &AppName, id: &BuildId) {
    let builds = rack.store.read(|tx| store::newest::<BuildRecord>(tx, app, usize::MAX));
    let mut builds = builds.unwrap_or_default().into_iter().skip_while(|build| build.id != *id);
    let Some(build) = builds.next() else { return };
    match build.status {
        BuildStatus::Failed => remove_archive(rack, &build),
        BuildStatus::Complete => {
            let source = |build: &BuildRecord| rack.directories.source(app, &build.id);
            let mut sources = builds.map(|earlier| source(&earlier)).filter(|dir| dir.is_dir());
            if let Some(earlier) = sources.next() {
                let source = source(&build);
                let temporary = source.with_extension("shared");
                let sharing = tokio::task::spawn_blocking(move || {
                    disk::share_unchanged(&source, &earlier, &temporary);
                });
                // Best effort.
                let _ = sharing.await;
            }
        }
        _ => (),
    }
}

fn remove_archive(rack: &Rack, build: &BuildRecord) {
    if let Ok(key) = Key::parse(&build.object) {
        report(rack, objects::delete(&rack.directories.objects(&build.app), &key));
    }
}

fn delete_old(
    tx: &WriteTransaction,
    name: &AppName,
    max: usize,
    recent: DateTime<Utc>,
) -> Result<Vec<BuildRecord>, StoreError> {
    let Some(app) = store::app(tx, name)? else { return Ok(Vec::new()) };
    let in_use = [app.active, app.rollout.map(|rollout| rollout.release)];
    let releases: Vec<ReleaseRecord> = store::newest(tx, name, usize::MAX)?;
    let mut needed: HashSet<BuildId> = HashSet::new();
    for (age, release) in releases.into_iter().enumerate() {
        // A recent release may be about to be promoted.
        if age < max || release.created > recent || in_use.contains(&Some(release.id.clone())) {
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

/// Removes the files of a build.
pub(crate) fn remove_files(rack: &Rack, build: &BuildRecord) {
    remove_archive(rack, build);
    let objects = rack.directories.objects(&build.app);
    if let Ok(key) = Key::parse(&BuildRecord::logs_key(&build.id)) {
        report(rack, objects::delete(&objects, &key));
    }
    report(rack, removal::remove(&rack.directories.source(&build.app, &build.id)));
    report(rack, removal::remove(&rack.directories.build_log(&build.app, &build.id)));
}

/// Removes files that belong to no build: sources and logs that a killed rack left, and old uploads
/// that were never built.
pub(crate) fn sweep(rack: &Rack, app: &AppName) {
    sweep_with(rack, app, UNUSED_UPLOAD_AGE);
}

fn sweep_with(rack: &Rack, app: &AppName, age: Duration) {
    // Listed first: what builds add from here on is not touched.
    let sources = directories::file_names(&rack.directories.sources(app));
    let logs = directories::file_names(&rack.directories.build_logs(app));
    let uploads = objects::list(&rack.directories.objects(app), "tmp/");
    let builds = rack.store.read(|tx| store::newest::<BuildRecord>(tx, app, usize::MAX));
    let Ok(builds) = builds else { return };
    let known: HashSet<&str> = builds.iter().map(|build| build.id.as_str()).collect();
    // The log of a build is created before the build is stored.
    let is_unknown = |name: &&String| !known.contains(&***name) && !rack.build_logs.is_live(name);
    for name in sources.iter().filter(is_unknown) {
        report(rack, removal::remove(&rack.directories.sources(app).join(name)));
    }
    for name in logs.iter().filter(is_unknown) {
        report(rack, removal::remove(&rack.directories.build_logs(app).join(name)));
    }
    let used: HashSet<&str> = builds.iter().map(|build| build.object.as_str()).collect();
    let unused = uploads.iter().filter(|key| !used.contains(&***key));
    unused.for_each(|key| remove_if_old(rack, app, key, age));
}

fn remove_if_old(rack: &Rack, app: &AppName, key: &str, max: Duration) {
    let dir = rack.directories.objects(app);
    let Ok(key) = Key::parse(key) else { return };
    let written = std::fs::metadata(key.path(&dir)).and_then(|file| file.modified());
    let now = SystemTime::from(rack.clock.now());
    if written.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > max)) {
        report(rack, objects::delete(&dir, &key));
    }
}

fn report(rack: &Rack, removed: std::io::Result<()>) {
    if let Err(error) = removed {
        rack.log_system(&format!("cleaning up: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::rack::{Limits, RackOptions};
    use crate::runner::BaseEnvironment;

    #[tokio::test]
    async fn the_log_of_a_build_is_kept_before_the_build_is_stored() {
        let data = tempfile::tempdir().unwrap();
        let options = RackOptions {
            data: data.path().join("rack"),
            password: "secret".into(),
            clock: Clock::system(),
            environment: BaseEnvironment::default(),
            limits: Limits::default(),
            log_tap: None,
        };
        let rack = crate::lifecycle::open(options).unwrap();
        let app: AppName = "web".parse().unwrap();
        crate::lifecycle::create(rack.clone(), app.clone()).await.unwrap();
        let build: BuildId = "BNEW".parse().unwrap();
        let file = rack.directories.build_log(&app, &build);
        let source = rack.directories.source(&app, &build);
        let _log = rack.build_logs.begin(&build, &file).unwrap();
        std::fs::create_dir(&source).unwrap();
        sweep(&rack, &app);
        assert!(file.exists() && source.exists());
        rack.build_logs.end(&build);
        sweep(&rack, &app);
        assert!(!file.exists() && !source.exists());
    }
}
