use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};

use super::{ApiResult, app_name, done, json};
use crate::error::Refusal;
use crate::options::Options;
use crate::rack::{Shared, run_to_completion};
use crate::releases::{self, NewRelease};
use crate::rollouts;
use crate::serve::Routes;
use crate::store::{self, ReleaseRecord};
use convox_wire::{BuildId, Environment, Release, ReleaseId};

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/releases", get(list).post(create))
        .route("/apps/{app}/releases/{id}", get(info))
        .route("/apps/{app}/releases/{id}/promote", post(promote))
}

async fn list(State(rack): State<Shared>, Path(app): Path<String>, options: Options) -> ApiResult {
    let (limit, app) = (options.limit()?, rack.app(&app_name(app))?.name);
    let releases: Vec<ReleaseRecord> = rack.store.read(|tx| store::newest(tx, &app, limit))?;
    json(&releases.iter().map(ReleaseRecord::to_wire).collect::<Vec<Release>>())
}

/// An empty environment is kept as it is; only an absent one is inherited.
async fn create(
    State(rack): State<Shared>,
    Path(app): Path<String>,
    options: Options,
) -> ApiResult {
    let new = NewRelease {
        build: options.text("build").map(BuildId::from_rack),
        description: options.text("description"),
        environment: options.form("env").map(Environment::parse),
        parent: options.text("parent-release").map(ReleaseId::from_rack),
    };
    let release = run_to_completion(releases::create(rack, app_name(app), new)).await?;
    json(&release.to_wire())
}

/// An unknown app gets the same error as an unknown release, as on v3 racks.
async fn info(State(rack): State<Shared>, Path((app, id)): Path<(String, String)>) -> ApiResult {
    let app = app_name(app);
    let release: Option<ReleaseRecord> = rack.store.read(|tx| store::find(tx, &app, &id))?;
    json(&release.ok_or_else(|| Refusal::no_such_release(&id))?.to_wire())
}

async fn promote(
    State(rack): State<Shared>,
    Path((app, id)): Path<(String, String)>,
    options: Options,
) -> ApiResult {
    let force = options.flag("force");
    run_to_completion(rollouts::promote(rack, app_name(app), ReleaseId::from_rack(id), force))
        .await?;
    done()
}
