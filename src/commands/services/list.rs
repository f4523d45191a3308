use serde::Serialize;

use super::columns::{Autoscale, NlbPort, Port};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::CapStatus;
use convox_wire::{Service, ServiceName};

/// List the services of the active release and their addresses
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox services\n  \
                        convox services -a web --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let services = rack.services(&app).await?;
    let cap = rack.cap_status(&app, cx.clock.now()).await?;
    let rows = services.into_iter().map(|service| Row::new(service, &cap)).collect();
    Ok(Outcome::render(ServiceList(rows)))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ServiceList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    name: ServiceName,
    domain: Option<String>,
    ports: Vec<Port>,
    nlb_ports: Vec<NlbPort>,
    count: i64,
    min: Option<i64>,
    max: Option<i64>,
    autoscale: Option<Autoscale>,
    cold_start: bool,
    budget: Option<String>,
}

impl Row {
    fn new(service: Service, cap: &CapStatus) -> Self {
        let budget = cap.token(&service).map(|token| token.to_string());
        Self {
            name: service.name,
            domain: service.domain,
            ports: service.ports.into_iter().map(Port::from).collect(),
            nlb_ports: service.nlb.into_iter().map(NlbPort::from).collect(),
            count: service.count,
            min: service.min,
            max: service.max,
            autoscale: service.autoscale.and_then(Autoscale::of),
            cold_start: service.cold_start.unwrap_or(false),
            budget,
        }
    }

    fn ports(&self) -> String {
        joined(&self.ports)
    }

    fn nlb(&self) -> String {
        joined(&self.nlb_ports)
    }

    fn scale(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) if min == max => min.to_string(),
            (Some(min), Some(max)) => format!("{min}-{max}"),
            (Some(min), None) => format!("{min}-"),
            (None, Some(max)) => format!("-{max}"),
            (None, None) => "-".to_owned(),
        }
    }

    fn autoscale(&self) -> String {
        self.autoscale.as_ref().map_or("-".to_owned(), ToString::to_string)
    }
}

fn joined(parts: &[impl ToString]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// A column that is there only if some service needs it.
type Column = (&'static str, fn(&Row) -> bool, fn(&Row) -> String);

const OPTIONAL: [Column; 5] = [
    ("NLB PORTS", |row| !row.nlb_ports.is_empty(), Row::nlb),
    ("SCALE", |row| row.min.is_some() || row.max.is_some(), Row::scale),
    ("AUTOSCALE", |row| row.autoscale.is_some(), Row::autoscale),
    ("COLD", |row| row.cold_start, |row| if row.cold_start { "yes" } else { "-" }.to_owned()),
    ("BUDGET", |row| row.budget.is_some(), |row| row.budget.clone().unwrap_or_default()),
];

impl Render for ServiceList {
    fn render(&self, _rc: &RenderContext) -> View {
        let needed = OPTIONAL.iter().filter(|(_, needs, _)| self.0.iter().any(needs));
        let columns: Vec<&Column> = needed.collect();
        let headers = ["SERVICE", "DOMAIN", "PORTS"].into_iter();
        let mut table = Table::new(headers.chain(columns.iter().map(|(header, ..)| *header)));
        for row in &self.0 {
            let domain = row.domain.clone().unwrap_or_default();
            let mut cells = vec![row.name.to_string(), domain, row.ports()];
            cells.extend(columns.iter().map(|(_, _, cell)| cell(row)));
            table.row(cells);
        }
        View::Table(table)
    }
}
