//! Lists the scale of services.

use serde::Serialize;

use crate::commands::services::columns::Autoscale;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::CapStatus;
use convox_wire::{Process, Service, ServiceName};

pub(super) async fn run(only: Option<ServiceName>, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let mut services = rack.services(&app).await?;
    if let Some(only) = only {
        services.retain(|service| service.name == only);
        if services.is_empty() {
            return Err(CommandError::new(format!("service \"{only}\" not found in app {app}"))
                .hint(Hint::command("list the services with", "services").app(&app)));
        }
    }
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let processes = rack.processes(&app).await?;
    let cap = rack.cap_status(&app, cx.clock.now()).await?;
    let row = |service: Service| Row::new(service, &processes, &cap);
    Ok(Outcome::render(ScaleList(services.into_iter().map(row).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ScaleList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    service: ServiceName,
    desired: i64,
    running: usize,
    cpu: i64,
    memory: i64,
    gpu: i64,
    gpu_vendor: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
    autoscale: Option<Autoscale>,
    cold_start: bool,
    budget: Option<String>,
}

impl Row {
    fn new(service: Service, processes: &[Process], cap: &CapStatus) -> Self {
        let is_of_service = |process: &&Process| process.name == service.name.as_str();
        Self {
            running: processes.iter().filter(is_of_service).count(),
            budget: cap.token(&service).map(|token| token.to_string()),
            service: service.name,
            desired: service.count,
            cpu: service.cpu,
            memory: service.memory,
            gpu: service.gpu,
            gpu_vendor: service.gpu_vendor,
            min: service.min,
            max: service.max,
            autoscale: service.autoscale.and_then(Autoscale::of),
            cold_start: service.cold_start.unwrap_or(false),
        }
    }

    fn status(&self) -> String {
        let cold = self.cold_start.then_some("COLD (~2-5m first req)");
        let parts = [cold, self.budget.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Render for ScaleList {
    fn render(&self, _rc: &RenderContext) -> View {
        let autoscales = self.0.iter().any(|row| row.autoscale.is_some());
        let mut headers =
            vec!["SERVICE", "DESIRED", "RUNNING", "CPU", "MEMORY", "GPU", "MIN", "MAX"];
        headers.extend(autoscales.then_some("AUTOSCALE"));
        headers.push("STATUS");
        let mut table = Table::new(headers);
        for row in &self.0 {
            let mut cells = vec![
                row.service.to_string(),
                row.desired.to_string(),
                row.running.to_string(),
                row.cpu.to_string(),
                row.memory.to_string(),
                dash(Some(row.gpu).filter(|gpu| *gpu != 0)),
                dash(row.min),
                dash(row.max),
            ];
            if autoscales {
                cells.push(row.autoscale.as_ref().map_or("-".to_owned(), ToString::to_string));
            }
            cells.push(row.status());
            table.row(cells);
        }
        View::Table(table)
    }
}

fn dash(number: Option<i64>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}
