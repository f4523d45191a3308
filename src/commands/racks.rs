use serde::Serialize;

use crate::context::Context;
use crate::context::known_racks::{self, KnownRack};
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};

/// List racks, on this machine and at the console
///
/// If the console fails, its racks are listed as they were last time, with a warning. The
/// development rack is listed once it has been started.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox racks\n  \
                        convox racks --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let mut racks = known_racks::list(cx).await?;
    racks.extend(known_racks::dev(cx).await);
    Ok(Outcome::render(RackList(racks.into_iter().map(Row::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct RackList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    name: String,
    provider: String,
    status: String,
}

impl From<KnownRack> for Row {
    fn from(rack: KnownRack) -> Self {
        Self { name: rack.name, provider: rack.provider, status: rack.status }
    }
}

impl Render for RackList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["NAME", "PROVIDER", "STATUS"]);
        for rack in &self.0 {
            table.row([&rack.name, &rack.provider, &rack.status]);
        }
        View::Table(table)
    }
}
