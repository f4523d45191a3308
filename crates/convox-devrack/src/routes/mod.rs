//! The routes, one module per resource. Paths, statuses and messages are those of v3 racks.

mod apps;
mod builds;
mod cloud;
mod configs;
mod files;
mod logs;
mod objects;
mod processes;
mod releases;
mod resources;
mod services;
mod sessions;
mod system;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::Refusal;
use super::serve::Routes;
use convox_wire::AppName;

/// Routes that require the password.
pub(super) fn authenticated() -> Routes {
    Router::new()
        .merge(system::authenticated())
        .merge(apps::authenticated())
        .merge(objects::authenticated())
        .merge(builds::authenticated())
        .merge(releases::authenticated())
        .merge(processes::authenticated())
        .merge(files::authenticated())
        .merge(services::authenticated())
        .merge(configs::authenticated())
        .merge(cloud::authenticated())
        .merge(resources::authenticated())
}

/// Routes that require no password.
pub(super) fn public() -> Routes {
    system::public()
}

/// Websocket routes, which check the password after the handshake.
pub(super) fn websockets() -> Routes {
    Router::new()
        .merge(logs::websockets())
        .merge(sessions::websockets())
        .merge(resources::websockets())
}

/// The body of a successful action.
const DONE: &str = "ok\n";

/// The response of a route.
pub(crate) type ApiResult = Result<Response, Refusal>;

/// Renders JSON indented by two spaces, with a final newline.
fn json(value: &impl Serialize) -> ApiResult {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Refusal::internal(format!("the response can't be encoded: {error}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text + "\n").into_response())
}

fn done() -> ApiResult {
    Ok(DONE.into_response())
}

/// Returns the app name in a path, which need not exist.
fn app_name(text: String) -> AppName {
    AppName::from_rack(text)
}
