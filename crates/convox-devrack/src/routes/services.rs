use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};

use super::{ApiResult, app_name, done, json};
use crate::error::Refusal;
use crate::manifest::ServiceSpec;
use crate::options::Options;
use crate::rack::{Shared, run_to_completion};
use crate::releases::shown_manifest;
use crate::scale;
use crate::serve::Routes;
use crate::store::AppRecord;
use convox_wire::{Port, Service, ServiceName};

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/services", get(list))
        .route("/apps/{app}/services/{service}", put(update))
        .route("/apps/{app}/services/{service}/restart", post(restart))
        .route("/apps/{app}/services/{service}/triggers/{change}", post(triggers))
}

/// Lists the services of the app's release with their addresses; empty if there is no release.
async fn list(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    let Some((manifest, _)) = shown_manifest(&rack, &app)? else {
        return json(&Vec::<Service>::new());
    };
    let services = manifest.services.iter().map(|service| shown(&rack, &app, service));
    json(&services.collect::<Vec<Service>>())
}

fn shown(rack: &Shared, app: &AppRecord, service: &ServiceSpec) -> Service {
    let mut shown = Service::new(service.name.clone());
    if let Some(count) = app.counts.get(&service.name).copied().or(service.count) {
        shown.count = i64::try_from(count).unwrap_or(i64::MAX);
    }
    let Some(address) = rack.runner.address(&app.name, &service.name) else { return shown };
    shown.domain = Some(address.to_string());
    shown.ports = vec![Port {
        balancer: u32::from(address.port()),
        certificate: String::new(),
        container: u32::from(service.port.unwrap_or_default()),
    }];
    shown
}

/// Options of services that this rack cannot carry out.
const UNSUPPORTED: [&str; 6] = ["cpu", "memory", "gpu", "gpu-vendor", "min", "max"];

/// Scales a service. Responds when the new processes are ready and those too many have ended.
async fn update(
    State(rack): State<Shared>,
    Path((app, service)): Path<(String, String)>,
    options: Options,
) -> ApiResult {
    let (app, service) = (app_name(app), ServiceName::from_rack(service));
    scale::check_service(&rack, &rack.app(&app)?, &service)?;
    if let Some(name) = UNSUPPORTED.iter().find(|name| options.form(name).is_some()) {
        return Err(not_here(format!(
            "the development rack cannot set {name}: processes have no limits, and only their \
             number can be changed"
        )));
    }
    let Some(text) = options.text("count") else { return done() };
    let count = text.parse::<usize>();
    let count =
        count.map_err(|_| Refusal::bad_request(format!("count is not a number: {text}")))?;
    run_to_completion(scale::scale(rack, app, service, count)).await?;
    done()
}

async fn restart(
    State(rack): State<Shared>,
    Path((app, service)): Path<(String, String)>,
) -> ApiResult {
    scale::restart(&rack, &app_name(app), &ServiceName::from_rack(service)).await?;
    done()
}

async fn triggers(
    State(rack): State<Shared>,
    Path((app, service, _)): Path<(String, String, String)>,
) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    scale::check_service(&rack, &app, &ServiceName::from_rack(service))?;
    Err(not_here("the development rack does not scale services by itself".to_owned()))
}

fn not_here(message: String) -> Refusal {
    Refusal::new(StatusCode::NOT_IMPLEMENTED, message)
}
