//! Builds that are exported from one app, and imported into another.

use std::path::Path;

use axum::body::Body;
use axum::http::StatusCode;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::build_archive::{self, Unpacked};
use super::builder::SOURCE_LIMITS;
use super::error::Refusal;
use super::rack::{Shared, run_to_completion};
use super::store::{self, BuildRecord};
use super::{builds, directories, gc, ids, pipes};
use convox_wire::{AppName, BuildId, BuildStatus, ReleaseId};

/// Returns the archive of a complete build.
pub(crate) async fn export(rack: &Shared, app: &AppName, id: &str) -> Result<Body, Refusal> {
    let build: Option<BuildRecord> = rack.store.read(|tx| store::find(tx, app, id))?;
    let build = build.ok_or_else(|| Refusal::no_such_build(id))?;
    if build.status != BuildStatus::Complete {
        let message = format!("build {id} is not complete and can't be exported");
        return Err(Refusal::bad_request(message));
    }
    let source = rack.directories.source(app, &build.id);
    let looked_at = source.clone();
    let link = spawn_blocking(move || build_archive::outward_link(&looked_at)).await;
    if let Some(link) = link.map_err(|error| Refusal::internal(error.to_string()))?? {
        return Err(Refusal::bad_request(format!(
            "build {id} can't be exported: {} is a link that leads out of its source",
            link.display()
        )));
    }
    Ok(pipes::written_by(move |to| build_archive::write(&build.to_wire(), &source, to)))
}

/// Makes a build and its release of an archive. If that fails, nothing of it is left behind.
pub(crate) async fn import(rack: Shared, app: AppName, body: Body) -> Result<BuildRecord, Refusal> {
    rack.check_living(&app)?;
    let imports = rack.directories.imports(&app);
    directories::create_private(&imports)?;
    let staging = tempfile::tempdir_in(&imports)?;
    let unpacked = pipes::read_by(body, move |body| {
        let unpacked = build_archive::read(body, staging.path(), &SOURCE_LIMITS);
        let refused = |error: build_archive::ArchiveError| Refusal::bad_request(error.to_string());
        Ok((unpacked.map_err(refused)?, staging))
    });
    let (unpacked, staging) = unpacked.await?;
    run_to_completion(add(rack, app, unpacked, staging)).await
}

async fn add(
    rack: Shared,
    app: AppName,
    unpacked: Unpacked,
    staging: TempDir,
) -> Result<BuildRecord, Refusal> {
    let Unpacked { build, manifest, source } = unpacked;
    let now = rack.clock.now();
    let record = BuildRecord {
        number: 0,
        id: BuildId::from_rack(ids::random('B')?),
        app,
        description: build.description,
        git_sha: build.git_sha,
        manifest_name: None,
        manifest: Some(manifest),
        // There was no upload.
        object: String::new(),
        status: BuildStatus::Complete,
        release: Some(ReleaseId::from_rack(ids::random('R')?)),
        reason: None,
        started: now,
        ended: Some(now),
    };
    // As long as its log is open, files of a build that is not stored yet are not swept away.
    let log =
        rack.build_logs.begin(&record.id, &rack.directories.build_log(&record.app, &record.id))?;
    let origin = build.app.map(|app| format!(" of {app}")).unwrap_or_default();
    log.line(&format!("Imported build {}{origin}", build.id));
    let added = store_files_and_record(&rack, record.clone(), &source).await;
    rack.build_logs.end(&record.id);
    // Removing a large directory takes a while. The runtime reports a panic.
    let _ = spawn_blocking(move || drop(staging)).await;
    let added = added.inspect_err(|_| gc::remove_files(&rack, &record))?;
    gc::after_build(&rack, &added.app, &added.id).await;
    Ok(added)
}

async fn store_files_and_record(
    rack: &Shared,
    record: BuildRecord,
    source: &Path,
) -> Result<BuildRecord, Refusal> {
    std::fs::rename(source, rack.directories.source(&record.app, &record.id))?;
    builds::keep_log(rack, &record)?;
    let stored = rack.store.write(move |tx| {
        let record = builds::accept(tx, record)?;
        builds::put_release(tx, &record)?;
        Ok(record)
    });
    stored.await.map_err(|error: Refusal| match error.status {
        StatusCode::INTERNAL_SERVER_ERROR => {
            Refusal::internal(format!("the build can't be stored: {}", error.message))
        }
        _ => error,
    })
}
