use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{ApiResult, app_name, done, json};
use crate::duplex::Upgrade;
use crate::error::Refusal;
use crate::exec::Exec;
use crate::rack::{Shared, run_to_completion};
use crate::releases::shown_manifest;
use crate::serve::Routes;
use crate::store::AppRecord;
use convox_wire::Resource;

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/resources", get(list))
        .route("/apps/{app}/resources/{name}", get(info))
        .route("/apps/{app}/resources/{name}/data", get(export).put(import))
}

pub(super) fn websockets() -> Routes {
    Router::new().route("/apps/{app}/resources/{name}/console", get(console))
}

async fn list(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    json(&resources(&rack, &app)?)
}

async fn info(State(rack): State<Shared>, Path((app, name)): Path<(String, String)>) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    json(&resource(&rack, &app, &name)?)
}

/// Returns the resources of the app's release; none if there is no release.
fn resources(rack: &Shared, app: &AppRecord) -> Result<Vec<Resource>, Refusal> {
    Ok(match shown_manifest(rack, app)? {
        Some((manifest, environment)) => rack.resources.shown(&app.name, &manifest, &environment),
        None => Vec::new(),
    })
}

/// Returns the resource with this name, or a 404.
fn resource(rack: &Shared, app: &AppRecord, name: &str) -> Result<Resource, Refusal> {
    let mut all = resources(rack, app)?.into_iter();
    let found = all.find(|resource| resource.name == name);
    found.ok_or_else(|| Refusal::not_found(format!("resource not found: {name}")))
}

async fn export(
    State(rack): State<Shared>,
    Path((app, name)): Path<(String, String)>,
) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    let name = resource(&rack, &app, &name)?.name;
    let dump = rack.resources.export(&app.name, &name).await?;
    let kind = (header::CONTENT_TYPE, "application/octet-stream");
    Ok(([kind], Body::from_stream(dump)).into_response())
}

async fn import(
    State(rack): State<Shared>,
    Path((app, name)): Path<(String, String)>,
    body: Body,
) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    let name = resource(&rack, &app, &name)?.name;
    let dump = rack.resources.receive(&app.name, &name, body, rack.limits.object).await?;
    let loaded = async move { rack.resources.import(&app.name, &name, dump).await };
    run_to_completion(loaded).await?;
    done()
}

async fn console(Path((app, name)): Path<(String, String)>, upgrade: Upgrade) -> Response {
    upgrade.accept(|rack, headers| {
        let app = rack.app(&app_name(app))?;
        let name = resource(rack, &app, &name)?.name;
        let (workplace, command) = rack.resources.console(&app.name, &name)?;
        Exec::console(workplace, command, headers, rack.limits.processes.stop)
    })
}
