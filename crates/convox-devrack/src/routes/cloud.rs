//! What only racks in a cloud have: budgets, costs, load balancers, certificates, instances. Lists of
//! an app are empty, and everything else is refused with the reason.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{any, get, post, put};
use convox_wire::AppBudget;

use super::{ApiResult, app_name, json};
use crate::error::Refusal;
use crate::rack::Shared;
use crate::serve::Routes;

const NO_CERTIFICATES: &str = "the development rack has no certificates: it serves plain HTTP";

/// Routes of a rack, with everything below them, and why they are missing here.
const MISSING: [(&str, &str); 7] = [
    ("/instances", "the development rack has no instances: its apps run on this machine"),
    ("/letsencrypt", NO_CERTIFICATES),
    ("/registries", "the development rack has no registries: it pulls no images"),
    ("/resources", "the development rack has no resources of its own, only those of its apps"),
    ("/system/jwt", "the development rack issues no tokens: only its owner can reach it"),
    ("/system/karpenter", "the development rack has no nodes: its apps run on this machine"),
    ("/system/releases", "the development rack has no releases: it is part of the program"),
];

pub(super) fn authenticated() -> Routes {
    let missing = MISSING.into_iter().fold(Router::new(), |routes, (path, reason)| {
        let refused = any(move || async move { missing(reason) });
        routes.route(&format!("{path}/{{*below}}"), refused.clone()).route(path, refused)
    });
    missing
        .route("/apps/{app}/balancers", get(empty_list_of_app))
        .route("/apps/{app}/budget", get(budget).post(no_budgets).delete(no_budgets))
        .route("/apps/{app}/budget/shutdown-state", get(no_shutdown))
        .route("/apps/{app}/budget/{change}", post(no_budgets))
        .route("/apps/{app}/cost", any(no_costs))
        .route("/apps/{app}/diagnose", get(no_diagnosis))
        .route("/apps/{app}/ssl/{service}/{port}", put(no_certificates))
        .route("/certificates", get(empty_list).fallback(no_certificates_here))
        .route("/certificates/{*below}", any(no_certificates_here))
}

fn missing(reason: &str) -> ApiResult {
    Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, reason))
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
    path.refuse(&rack, NO_CERTIFICATES)
}

async fn no_certificates_here() -> ApiResult {
    missing(NO_CERTIFICATES)
}

/// The app in a path, whatever else is in it.
#[derive(serde::Deserialize)]
struct AppPath {
    app: String,
}

impl AppPath {
    fn refuse(self, rack: &Shared, reason: &str) -> ApiResult {
        rack.app(&app_name(self.app))?;
        missing(reason)
    }
}
