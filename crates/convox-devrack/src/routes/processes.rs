use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;

use super::{ApiResult, app_name, done, json};
use crate::error::Refusal;
use crate::options::Options;
use crate::rack::{Shared, run_to_completion};
use crate::runner::Group;
use crate::serve::Routes;
use convox_wire::{AppName, Process};

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps/{app}/processes", get(list))
        .route("/apps/{app}/processes/{pid}", get(info).delete(stop))
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
    let running = rack.ledger.processes().into_iter().find(|kept| kept.id == process.id);
    let grace = rack.limits.processes.stop;
    if let Some(group) = running.and_then(|kept| Group::led_by(kept.pid)) {
        let ended = async move {
            group.end(grace).await;
            Ok(())
        };
        run_to_completion(ended).await?;
    }
    done()
}
