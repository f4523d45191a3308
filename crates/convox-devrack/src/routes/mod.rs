//! The routes, a file for each noun. Shapes, statuses and words are those of v3 racks.

mod apps;
mod builds;
mod configs;
mod logs;
mod objects;
mod processes;
mod releases;
mod services;
mod system;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::Refusal;
use super::serve::Routes;
use convox_wire::AppName;

/// What needs the password.
pub(super) fn calls() -> Routes {
    Router::new()
        .merge(system::calls())
        .merge(apps::calls())
        .merge(objects::calls())
        .merge(builds::calls())
        .merge(releases::calls())
        .merge(processes::calls())
        .merge(services::calls())
        .merge(configs::calls())
}

/// What anybody may ask.
pub(super) fn open() -> Routes {
    system::open()
}

/// Sockets check the password by themselves, after the handshake.
pub(super) fn sockets() -> Routes {
    Router::new().merge(logs::sockets())
}

/// What an action answers: the word `ok` and a newline.
const DONE: &str = "ok\n";

type Answer = Result<Response, Refusal>;

/// JSON with two-space indent and a newline at its end.
fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Refusal::internal(format!("the answer cannot be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text + "\n").into_response())
}

fn done() -> Answer {
    Ok(DONE.into_response())
}

/// The app of a path. Whether there is one by this name is asked of the store.
fn app_name(text: String) -> AppName {
    AppName::from_rack(text)
}
