use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};

use super::{ApiResult, app_name, json};
use crate::builds::{self, NewBuild};
use crate::error::Refusal;
use crate::imports;
use crate::objects::Key;
use crate::options::Options;
use crate::rack::{Shared, run_to_completion};
use crate::serve::Routes;
use crate::store::{self, BuildRecord};
use convox_wire::{AppName, Build};

/// Options for building images, which this rack does not do.
const IMAGE_OPTIONS: [&str; 2] = ["build-args", "wildcard-domain"];

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/builds", get(list).post(create))
        .route("/apps/{app}/builds/import", post(import))
        .route("/apps/{app}/builds/{id}", get(info))
}

async fn list(State(rack): State<Shared>, Path(app): Path<String>, options: Options) -> ApiResult {
    let (limit, app) = (options.limit()?, rack.app(&app_name(app))?.name);
    let builds: Vec<BuildRecord> = rack.store.read(|tx| store::newest(tx, &app, limit))?;
    json(&builds.iter().map(BuildRecord::to_wire).collect::<Vec<Build>>())
}

async fn create(
    State(rack): State<Shared>,
    Path(app): Path<String>,
    options: Options,
) -> ApiResult {
    if options.flag("external") {
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "unimplemented"));
    }
    let app = rack.app(&app_name(app))?.name;
    let new = new_build(&app, &options)?;
    let build = run_to_completion(builds::start(rack, app, new)).await?;
    json(&build.to_wire())
}

fn new_build(app: &AppName, options: &Options) -> Result<NewBuild, Refusal> {
    let url = options.named("url").unwrap_or_default();
    let key = url.strip_prefix(&format!("object://{app}/")).ok_or_else(|| {
        Refusal::bad_request(format!(
            "no build source found: the development rack builds from an upload, \
             url=object://{app}/…, not from {url:?}"
        ))
    })?;
    let unused = IMAGE_OPTIONS.iter().filter(|name| options.text(name).is_some());
    Ok(NewBuild {
        object: Key::parse(key)?,
        key: key.to_owned(),
        description: options.text("description"),
        git_sha: options.text("git-sha"),
        manifest_name: options.text("manifest"),
        use_cache: !options.flag("no-cache"),
        warnings: unused
            .map(|name| format!("WARNING: {name} has no effect on the development rack"))
            .collect(),
    })
}

async fn import(State(rack): State<Shared>, Path(app): Path<String>, body: Body) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    json(&imports::import(rack, app, body).await?.to_wire())
}

/// An unknown app gets the same error as an unknown build, as on v3 racks.
async fn info(State(rack): State<Shared>, Path((app, id)): Path<(String, String)>) -> ApiResult {
    let app = app_name(app);
    if let Some(id) = id.strip_suffix(".tgz") {
        let kind = [(header::CONTENT_TYPE, "application/gzip")];
        return Ok((kind, imports::export(&rack, &app, id).await?).into_response());
    }
    let build: Option<BuildRecord> = rack.store.read(|tx| store::find(tx, &app, &id))?;
    json(&build.ok_or_else(|| Refusal::no_such_build(&id))?.to_wire())
}
