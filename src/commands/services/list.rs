use std::fmt::Write;

use serde::Serialize;

use crate::cli::flags::{AppFlag, RackFlag, WatchFlag};
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::output::table::Table;
use crate::output::{Show, Shown, Sight};
use crate::rack::CapStatus;
use crate::wire::{Autoscale, NlbPort, Port, Service, ServiceName};

/// List the services of the active release
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox services")]
pub(crate) struct Args {
    #[command(flatten)]
    watch: WatchFlag,
    #[command(flatten)]
    app: AppFlag,
    #[command(flatten)]
    rack: RackFlag,
}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, Failure> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let services = rack.services(&app).await?;
    let cap = rack.cap_status(&app, cx.clock.now()).await?;
    let rows = services.into_iter().map(|service| Row::new(service, &cap)).collect();
    Ok(Outcome::show(ServiceList(rows)))
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
            ports: service.ports,
            nlb_ports: service.nlb,
            count: service.count,
            min: service.min,
            max: service.max,
            autoscale: service.autoscale.filter(|autoscale| autoscale.enabled),
            cold_start: service.cold_start.unwrap_or(false),
            budget,
        }
    }

    fn ports(&self) -> String {
        let port = |port: &Port| match (port.balancer, port.container) {
            (0, container) => container.to_string(),
            (balancer, 0) => balancer.to_string(),
            (balancer, container) => format!("{balancer}:{container}"),
        };
        self.ports.iter().map(port).collect::<Vec<_>>().join(" ")
    }

    fn nlb(&self) -> String {
        self.nlb_ports.iter().map(nlb_port).collect::<Vec<_>>().join(" ")
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
        let Some(autoscale) = &self.autoscale else { return "-".to_owned() };
        let triggers = [
            ("cpu>", autoscale.cpu_threshold),
            ("mem>", autoscale.mem_threshold),
            ("gpu-util>", autoscale.gpu_threshold),
            ("queue>", autoscale.queue_threshold),
            ("custom=", autoscale.custom_triggers),
        ];
        let shown =
            triggers.iter().filter_map(|(name, value)| Some(format!("{name}{}", (*value)?)));
        let shown: Vec<String> = shown.collect();
        if shown.is_empty() { "-".to_owned() } else { shown.join(" ") }
    }
}

/// As the existing clients write it: `853:8853/tls(internal)[cz=true allow=1 pcip=false]`.
fn nlb_port(port: &NlbPort) -> String {
    let mut text = format!("{}:{}", port.port, port.container_port);
    if port.protocol == "tls" {
        text.push_str("/tls");
    }
    if port.scheme == "internal" {
        text.push_str("(internal)");
    }
    let mut extras = Vec::new();
    extras.extend(port.cross_zone.map(|on| format!("cz={on}")));
    extras
        .extend((!port.allow_cidr.is_empty()).then(|| format!("allow={}", port.allow_cidr.len())));
    extras.extend(port.preserve_client_ip.map(|on| format!("pcip={on}")));
    if !extras.is_empty() {
        // Writing to a text cannot fail.
        let _ = write!(text, "[{}]", extras.join(" "));
    }
    text
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

impl Show for ServiceList {
    fn show(&self, _sight: &Sight) -> Shown {
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
        Shown::Table(table)
    }
}
