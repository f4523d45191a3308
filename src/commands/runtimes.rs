use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::Runtime;

/// List the cloud accounts of an organization at the console
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox runtimes acme\n  convox runtimes acme --json")]
pub(crate) struct Args {
    /// Organization
    organization: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let runtimes = cx.console()?.organization_runtimes(&args.organization).await;
    let runtimes = runtimes.map_err(|error| {
        let list = Hint::command("list the racks of your organizations with", "racks");
        CommandError::about_named(error, list)
    })?;
    Ok(Outcome::render(RuntimeList::from(runtimes)))
}

/// Cloud accounts.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct RuntimeList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
}

impl From<Vec<Runtime>> for RuntimeList {
    fn from(runtimes: Vec<Runtime>) -> Self {
        Self(runtimes.into_iter().map(|Runtime { id, title }| Row { id, title }).collect())
    }
}

impl Render for RuntimeList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["ID", "TITLE"]);
        for row in &self.0 {
            table.row([&row.id, &row.title]);
        }
        View::Table(table)
    }
}
