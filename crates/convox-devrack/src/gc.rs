//! What an app leaves behind: after each promote, old releases and builds go with their files.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use redb::WriteTransaction;

use super::objects::{self, Key};
use super::rack::{Rack, Shared};
use super::store::{self, BuildRecord, ReleaseRecord, StoreError};
use super::{directories, runner};
use convox_wire::{AppName, BuildId};

/// An upload that no build was made of is kept this long.
const UNUSED: Duration = Duration::from_secs(24 * 60 * 60);

/// Cleans up behind an app: its active release and the newest stay, with what they need.
pub(crate) async fn collect(rack: &Shared, app: &AppName) -> Result<(), StoreError> {
    let (name, most) = (app.clone(), rack.limits.releases);
    let gone = rack.store.write(move |tx| delete_old(tx, &name, most)).await?;
    let (shared, app) = (rack.clone(), app.clone());
    // The rows are gone; files that cannot be removed now are tried again at the next start.
    let removal = tokio::task::spawn_blocking(move || {
        gone.iter().for_each(|build| remove_files(&shared, build));
        sweep(&shared, &app);
    });
    removal.await.map_err(|_| StoreError::Interrupted)
}

fn delete_old(
    tx: &WriteTransaction,
    name: &AppName,
    most: usize,
) -> Result<Vec<BuildRecord>, StoreError> {
    let Some(app) = store::app(tx, name)? else { return Ok(Vec::new()) };
    let in_use = [app.active, app.rollout.map(|rollout| rollout.release)];
    let releases: Vec<ReleaseRecord> = store::newest(tx, name, usize::MAX)?;
    let mut needed: HashSet<BuildId> = HashSet::new();
    for (age, release) in releases.into_iter().enumerate() {
        if age < most || in_use.contains(&Some(release.id.clone())) {
            needed.extend(release.build);
        } else {
            store::delete(tx, &release)?;
        }
    }
    let builds: Vec<BuildRecord> = store::newest(tx, name, usize::MAX)?;
    let old = builds.into_iter().skip(most);
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

/// Removes what belongs to no build: sources and logs that a killed rack did not come to remove,
/// and old uploads that nothing was made of.
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
    uploads.filter(|key| !used.contains(&**key)).for_each(|key| drop_if_old(rack, app, &key));
}

fn drop_if_old(rack: &Rack, app: &AppName, key: &str) {
    let folder = rack.directories.objects(app);
    let Ok(key) = Key::parse(key) else { return };
    let written = std::fs::metadata(key.path(&folder)).and_then(|file| file.modified());
    let now = SystemTime::from(rack.clock.now());
    if written.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > UNUSED)) {
        report(rack, objects::delete(&folder, &key));
    }
}

fn report(rack: &Rack, removed: std::io::Result<()>) {
    if let Err(error) = removed {
        rack.log_system(&format!("cleaning up: {error}"));
    }
}
