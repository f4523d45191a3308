use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::{Context, known_machines};
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_client::rack::Machine;
use convox_wire::{MachineId, MachineName};

/// List the machines of the console
///
/// A machine runs apps as a rack does: `convox cloud X` is `convox X` on a machine. If the console
/// fails, its machines are listed as they were last time, with a warning.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox cloud machines\n  convox cloud machines --json")]
pub(crate) struct Args {
    // Scripts of 3.x clients pass it to every command for machines.
    #[arg(short = 'i', long = "machine", hide = true)]
    _machine: Option<MachineName>,
}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let machines = known_machines::list(cx).await?;
    Ok(Outcome::render(MachineList(machines.into_iter().map(Row::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct MachineList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    /// With its organization.
    name: String,
    id: MachineId,
    cpu: Option<String>,
    memory: Option<String>,
    /// As the console writes it.
    age: Option<String>,
    created: Option<DateTime<Utc>>,
}

impl From<Machine> for Row {
    fn from(machine: Machine) -> Self {
        Self {
            name: machine.full_name(),
            cpu: machine.cpu().map(str::to_owned),
            memory: machine.memory().map(str::to_owned),
            created: machine.created(),
            age: Some(machine.age).filter(|age| !age.is_empty()),
            id: machine.id,
        }
    }
}

impl Row {
    fn age(&self, now: DateTime<Utc>) -> String {
        let since_creation = || self.created.map(|created| humanize::ago(now, created));
        self.age.clone().or_else(since_creation).unwrap_or_default()
    }
}

impl Render for MachineList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table = Table::new(["NAME", "CPU", "MEMORY", "AGE"]);
        for machine in &self.0 {
            let [cpu, memory] =
                [&machine.cpu, &machine.memory].map(|text| text.as_deref().unwrap_or_default());
            table.row([machine.name.as_str(), cpu, memory, &machine.age(rc.now)]);
        }
        View::Table(table)
    }
}
