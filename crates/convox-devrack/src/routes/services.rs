use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;

use super::{ApiResult, app_name, json};
use crate::error::Refusal;
use crate::manifest::{Manifest, ServiceSpec};
use crate::rack::Shared;
use crate::serve::Routes;
use crate::store::{self, AppRecord, ReleaseRecord};
use convox_wire::{AppName, Environment, Port, Service};

pub(super) fn authenticated() -> Routes {
    Router::new().route("/apps/{app}/services", get(list))
}

/// Lists the services of the app's release with their addresses; empty if there is no release.
async fn list(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    let Some((manifest, _)) = shown_manifest(&rack, &app)? else {
        return json(&Vec::<Service>::new());
    };
    let services = manifest.services.iter().map(|service| shown(&rack, &app.name, service));
    json(&services.collect::<Vec<Service>>())
}

/// Returns the manifest and the environment of the release that clients see.
pub(super) fn shown_manifest(
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

fn shown(rack: &Shared, app: &AppName, service: &ServiceSpec) -> Service {
    let mut shown = Service::new(service.name.clone());
    let Some(address) = rack.runner.address(app, &service.name) else { return shown };
    shown.domain = Some(address.to_string());
    shown.ports = vec![Port {
        balancer: u32::from(address.port()),
        certificate: String::new(),
        container: u32::from(service.port.unwrap_or_default()),
    }];
    shown
}
