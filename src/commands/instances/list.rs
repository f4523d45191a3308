use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::Instance;

/// List the instances of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox instances\n  convox instances --watch 5")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let instances = cx.rack().await?.instances().await?;
    Ok(Outcome::render(InstanceList(instances.into_iter().map(Row::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct InstanceList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    id: String,
    status: String,
    started: Option<DateTime<Utc>>,
    processes: i64,
    /// The used part of the cores, from 0 to 1.
    cpu: f64,
    /// The used part of the memory, from 0 to 1.
    memory: f64,
    public_ip: Option<String>,
    private_ip: Option<String>,
}

impl From<Instance> for Row {
    fn from(instance: Instance) -> Self {
        // v2 racks send parts, v3 racks amounts.
        let has_amounts = instance.cpu_allocatable > 0.0 && instance.memory_allocatable > 0.0;
        let (cpu, memory) = match has_amounts {
            true => (
                instance.cpu / instance.cpu_allocatable,
                instance.memory / instance.memory_allocatable,
            ),
            false => (instance.cpu, instance.memory),
        };
        let Instance { id, status, started, processes, public_ip, private_ip, .. } = instance;
        Self { id, status, started, processes, cpu, memory, public_ip, private_ip }
    }
}

impl Render for InstanceList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table =
            Table::new(["ID", "STATUS", "STARTED", "PS", "CPU", "MEM", "PUBLIC", "PRIVATE"]);
        for row in &self.0 {
            table.row([
                row.id.clone(),
                row.status.clone(),
                humanize::ago(rc.now, row.started),
                row.processes.to_string(),
                percent(row.cpu),
                percent(row.memory),
                row.public_ip.clone().unwrap_or_default(),
                row.private_ip.clone().unwrap_or_default(),
            ]);
        }
        View::Table(table)
    }
}

fn percent(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}
