//! What only racks in a cloud have: budgets, costs, load balancers, certificates. Lists are empty,
//! and changes are refused with the reason.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{any, get, post, put};
use convox_wire::AppBudget;

use super::{ApiResult, app_name, json};
use crate::error::Refusal;
use crate::rack::Shared;
use crate::serve::Routes;

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/balancers", get(empty_list_of_app))
        .route("/apps/{app}/budget", get(budget).post(no_budgets).delete(no_budgets))
        .route("/apps/{app}/budget/shutdown-state", get(no_shutdown))
        .route("/apps/{app}/budget/{change}", post(no_budgets))
        .route("/apps/{app}/cost", any(no_costs))
        .route("/apps/{app}/diagnose", get(no_diagnosis))
        .route("/apps/{app}/ssl/{service}/{port}", put(no_certificates))
        .route("/certificates", get(empty_list))
}

async fn empty_list() -> ApiResult {
    json(&Vec::<()>::new())
}

async fn empty_list_of_app(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    rack.app(&app_name(app))?;
    empty_list().await
}

async fn budget(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    rack.app(&app_name(app))?;
    json(&AppBudget { config: None, state: None })
}

async fn no_shutdown(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    rack.app(&app_name(app))?;
    json(&())
}

async fn no_budgets(State(rack): State<Shared>, Path(path): Path<AppPath>) -> ApiResult {
    path.refuse(&rack, "the development rack has no budgets: its apps cost nothing")
}

async fn no_costs(State(rack): State<Shared>, Path(path): Path<AppPath>) -> ApiResult {
    path.refuse(&rack, "the development rack has no costs")
}

async fn no_diagnosis(State(rack): State<Shared>, Path(path): Path<AppPath>) -> ApiResult {
    path.refuse(
        &rack,
        "the development rack does not diagnose apps: `ps` shows how the processes are, and `logs` \
         why they fail",
    )
}

async fn no_certificates(State(rack): State<Shared>, Path(path): Path<AppPath>) -> ApiResult {
    path.refuse(&rack, "the development rack has no certificates: it serves plain HTTP")
}

/// The app in a path, whatever else is in it.
#[derive(serde::Deserialize)]
struct AppPath {
    app: String,
}

impl AppPath {
    fn refuse(self, rack: &Shared, reason: &str) -> ApiResult {
        rack.app(&app_name(self.app))?;
        Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, reason))
    }
}
