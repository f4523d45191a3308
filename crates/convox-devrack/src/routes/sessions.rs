//! Websockets to processes, and tunnels.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;

use super::app_name;
use crate::duplex::Upgrade;
use crate::error::Refusal;
use crate::exec::Exec;
use crate::rack::Shared;
use crate::runner::Workplace;
use crate::serve::Routes;
use crate::tunnel::Tunnel;
use convox_wire::{AppName, ProcessId};

pub(super) fn websockets() -> Routes {
    Router::new()
        .route("/apps/{app}/processes/{pid}/exec", get(exec))
        .route("/proxy/{host}/{port}", get(proxy))
}

async fn exec(Path((app, pid)): Path<(String, String)>, upgrade: Upgrade) -> Response {
    upgrade.accept(|rack, headers| {
        let app = rack.app(&app_name(app))?.name;
        let workplace = workplace(rack, &app, &pid)?;
        Exec::from_headers(workplace, headers, rack.limits.processes.stop)
    })
}

/// Returns where a process works. As on v3 racks the id may be the name of a service, which means
/// any of its processes.
pub(super) fn workplace(rack: &Shared, app: &AppName, pid: &str) -> Result<Workplace, Refusal> {
    let direct = rack.runner.workplace(&ProcessId::from_rack(pid));
    let processes = rack.runner.processes(app);
    let mut named = processes.iter().filter(|process| process.id.as_str() == pid);
    if let (Some(workplace), Some(_)) = (direct, named.next()) {
        return Ok(workplace);
    }
    let of_service = processes.iter().filter(|process| process.name == pid);
    let mut running = of_service.filter_map(|process| rack.runner.workplace(&process.id));
    running.next().ok_or_else(|| Refusal::not_found(format!("process not found: {pid}")))
}

async fn proxy(Path((host, port)): Path<(String, String)>, upgrade: Upgrade) -> Response {
    upgrade.accept(|rack, _| Tunnel::find(rack, &host, &port))
}
