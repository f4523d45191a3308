//! Releases: a build and an environment, inherited from the newest release unless given.

use chrono::{DateTime, Utc};
use redb::WriteTransaction;

use super::builds::living_app;
use super::error::Refusal;
use super::ids;
use super::manifest::Manifest;
use super::rack::Shared;
use super::store::{self, AppRecord, BuildRecord, ReadTx, ReleaseRecord, StoreError};
use convox_wire::{AppName, BuildId, Environment, ReleaseId};

/// The request for a release.
#[derive(Debug, Default)]
pub(crate) struct NewRelease {
    pub(crate) build: Option<BuildId>,
    pub(crate) description: Option<String>,
    pub(crate) environment: Option<Environment>,
    /// The release to inherit from; the newest if `None`.
    pub(crate) parent: Option<ReleaseId>,
}

/// Returns the newest release of an app.
pub(crate) fn newest(tx: &impl ReadTx, app: &AppName) -> Result<Option<ReleaseRecord>, StoreError> {
    Ok(store::newest(tx, app, 1)?.pop())
}

/// Returns the manifest and the environment of the release that clients see, if there is one.
pub(crate) fn shown_manifest(
    rack: &Shared,
    app: &AppRecord,
) -> Result<Option<(Manifest, Environment)>, Refusal> {
    let Some(id) = app.shown_release() else { return Ok(None) };
    let release: Option<ReleaseRecord> =
        rack.store.read(|tx| store::find(tx, &app.name, id.as_str()))?;
    let Some(release) = release else { return Ok(None) };
    let manifest = Manifest::parse(&release.manifest.unwrap_or_default(), &release.environment);
    let manifest = manifest.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Some((manifest, release.environment)))
}

/// Creates a release. It is stored, and so listed, on return.
pub(crate) async fn create(
    rack: Shared,
    app: AppName,
    new: NewRelease,
) -> Result<ReleaseRecord, Refusal> {
    let id = ReleaseId::from_rack(ids::random('R')?);
    let now = rack.clock.now();
    rack.store.write(move |tx| put(tx, app, id, new, now)).await
}

fn put(
    tx: &WriteTransaction,
    app: AppName,
    id: ReleaseId,
    new: NewRelease,
    created: DateTime<Utc>,
) -> Result<ReleaseRecord, Refusal> {
    living_app(tx, &app)?;
    let parent = parent(tx, &app, new.parent.as_ref())?;
    let inherited = parent.as_ref();
    let build = new.build.or_else(|| inherited.and_then(|parent| parent.build.clone()));
    let environment =
        new.environment.or_else(|| inherited.map(|parent| parent.environment.clone()));
    let release = ReleaseRecord {
        number: store::next_number(tx)?,
        manifest: manifest(tx, &app, build.as_ref())?,
        id,
        app,
        build,
        environment: environment.unwrap_or_default(),
        description: new.description,
        created,
        failure: None,
        promoted: None,
    };
    store::put(tx, &release)?;
    Ok(release)
}

fn parent(
    tx: &WriteTransaction,
    app: &AppName,
    named: Option<&ReleaseId>,
) -> Result<Option<ReleaseRecord>, Refusal> {
    let Some(id) = named else { return Ok(newest(tx, app)?) };
    let found = store::find(tx, app, id.as_str())?;
    found.map(Some).ok_or_else(|| Refusal::no_such_release(id.as_str()))
}

fn manifest(
    tx: &WriteTransaction,
    app: &AppName,
    build: Option<&BuildId>,
) -> Result<Option<String>, Refusal> {
    let Some(id) = build else { return Ok(None) };
    let found: Option<BuildRecord> = store::find(tx, app, id.as_str())?;
    Ok(found.ok_or_else(|| Refusal::no_such_build(id.as_str()))?.manifest)
}
