use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::Serialize;

use super::{ApiResult, json};
use crate::gc;
use crate::rack::{Shared, run_to_completion};
use crate::serve::Routes;
use convox_wire::{Process, System, SystemStatus};

/// The version of a v3 rack, so that clients treat it as one, with a suffix that identifies it.
const VERSION: &str = "3.24.6-dev";

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/auth", get(|| async { "ok" }))
        .route("/system", get(system))
        .route("/system/processes", get(processes))
        .route("/system/prune", post(prune))
}

pub(super) fn public() -> Routes {
    Router::new().route("/check", get(|| async { "ok" }))
}

/// The response of `/system/prune`.
#[derive(Serialize)]
struct Pruned {
    /// In bytes.
    freed: u64,
}

async fn system() -> ApiResult {
    json(&System {
        name: crate::rack::NAME.to_owned(),
        provider: "dev".to_owned(),
        status: SystemStatus::Running,
        version: VERSION.to_owned(),
        ..System::default()
    })
}

/// The rack has no processes of its own to list.
async fn processes(State(_): State<Shared>) -> ApiResult {
    json(&Vec::<Process>::new())
}

/// Frees disk space. Not a route of v3 racks.
async fn prune(State(rack): State<Shared>) -> ApiResult {
    let freed = run_to_completion(async move { Ok(gc::prune(&rack).await?) }).await?;
    json(&Pruned { freed })
}
