use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use url::form_urlencoded;

use super::{ApiResult, app_name, done, json};
use crate::error::Refusal;
use crate::exec::split_command;
use crate::options::{Options, socket_text};
use crate::rack::{Shared, run_to_completion};
use crate::rollouts;
use crate::runner::{Group, Mark, OneOff, Tree};
use crate::serve::Routes;
use convox_wire::{AppName, EnvVar, Environment, Process, ReleaseId, ServiceName};

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/processes", get(list))
        .route("/apps/{app}/processes/{pid}", get(info).delete(stop))
        .route("/apps/{app}/services/{service}/processes", post(run))
}

async fn list(State(rack): State<Shared>, Path(app): Path<String>, options: Options) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    let (release, service) = (options.query("release"), options.query("service"));
    let asked_for = |wanted: Option<&str>, found: &str| {
        wanted.filter(|wanted| !wanted.is_empty()).is_none_or(|wanted| wanted == found)
    };
    let mut processes = rack.runner.processes(&app);
    processes.retain(|process| {
        let runs = process.release.as_ref().map_or("", |release| release.as_str());
        asked_for(release, runs) && asked_for(service, &process.name)
    });
    json(&processes)
}

async fn info(State(rack): State<Shared>, Path((app, pid)): Path<(String, String)>) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    json(&process(&rack, &app, &pid)?)
}

/// Returns the process with this id, or a 404.
pub(super) fn process(rack: &Shared, app: &AppName, pid: &str) -> Result<Process, Refusal> {
    let mut processes = rack.runner.processes(app).into_iter();
    let found = processes.find(|process| process.id.as_str() == pid);
    found.ok_or_else(|| Refusal::not_found(format!("process not found: {pid}")))
}

/// Stops a process. Its service is started again, as on v3 racks.
async fn stop(State(rack): State<Shared>, Path((app, pid)): Path<(String, String)>) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    let process = process(&rack, &app, &pid)?;
    let running = rack.runner_store.processes().into_iter().find(|kept| kept.id == process.id);
    let grace = rack.limits.processes.stop;
    if let Some(group) = running.and_then(|kept| Group::of_leader(kept.pid)) {
        let mark = Mark::of_process(rack.directories.root(), &process.id);
        let ended = async move {
            Tree::new(group, mark).end(grace).await;
            Ok(())
        };
        run_to_completion(ended).await?;
    }
    done()
}

/// Starts a one-off process. All options travel in headers, as on v3 racks.
async fn run(
    State(rack): State<Shared>,
    Path((app, service)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    let service = ServiceName::from_rack(service);
    let command = socket_text(&headers, "Command");
    let command = command.map(|text| split_command(&text)).transpose()?;
    let asked = socket_text(&headers, "Release").map(ReleaseId::from_rack);
    let release = asked
        .or(app.active)
        .ok_or_else(|| Refusal::bad_request(format!("no release for app: {}", app.name)))?;
    let deployment =
        rollouts::deployment(&rack, &app.name, &release).map_err(Refusal::bad_request)?;
    if deployment.manifest.service(&service).is_none() {
        return Err(Refusal::not_found(format!("service not found: {service}")));
    }
    let mut additional = Environment::default();
    for (key, value) in variables(&headers) {
        let variable = format!("{key}={value}").parse::<EnvVar>();
        let invalid = |error| Refusal::bad_request(format!("{key}: {error}"));
        additional.set(variable.map_err(invalid)?);
    }
    let (shared, name) = (rack.clone(), app.name.clone());
    let started = run_to_completion(async move {
        let one_off = OneOff { name: None, command, variables: additional };
        rollouts::run_once(&shared, &deployment.app, &release, &service, one_off).await
    });
    let id = started.await?;
    json(&process(&rack, &name, id.as_str())?)
}

/// The additional variables, which travel as a form.
fn variables(headers: &HeaderMap) -> Vec<(String, String)> {
    let form = socket_text(headers, "Environment").unwrap_or_default();
    form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}
