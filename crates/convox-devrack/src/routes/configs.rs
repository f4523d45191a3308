//! Configs: small named texts of an app. Clients store the list of masked variables in one.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::{ApiResult, app_name, done, json};
use crate::builds::living_app;
use crate::error::Refusal;
use crate::options::Options;
use crate::rack::Shared;
use crate::serve::Routes;
use crate::store;

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/configs", get(list))
        .route("/apps/{app}/configs/{name}", get(info).put(update))
}

/// `AppConfig` of v3 racks.
#[derive(Serialize)]
struct Config {
    name: String,
    value: String,
}

async fn list(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    let configs = rack.store.read(|tx| store::settings(tx, &app))?;
    let configs = configs.into_iter().map(|(name, value)| Config { name, value });
    json(&configs.collect::<Vec<Config>>())
}

async fn info(State(rack): State<Shared>, Path((app, name)): Path<(String, String)>) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    match rack.store.read(|tx| store::setting(tx, &app, &name))? {
        Some(value) => json(&Config { name, value }),
        None => Err(Refusal::not_found(format!("app config not found: {name}"))),
    }
}

/// The value is sent in base64 and returned decoded.
async fn update(
    State(rack): State<Shared>,
    Path((app, name)): Path<(String, String)>,
    options: Options,
) -> ApiResult {
    let bad =
        |error: &dyn std::fmt::Display| Refusal::bad_request(format!("invalid value: {error}"));
    let encoded = options.named("value").unwrap_or_default();
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|error| bad(&error))?;
    let value = String::from_utf8(bytes).map_err(|error| bad(&error))?;
    let app = app_name(app);
    let keep = rack.store.write(move |tx| {
        living_app(tx, &app)?;
        Ok::<_, Refusal>(store::put_setting(tx, &app, &name, &value)?)
    });
    keep.await?;
    done()
}
