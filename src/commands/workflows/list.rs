use serde::Serialize;

use crate::commands::rack::runtimes::{managed, not_there};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::Workflow;

/// List the workflows of a rack at the console
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox workflows\n  convox workflows -r acme/production")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let (console, name) = managed(cx).await?;
    let workflows = console.workflows(&name).await.map_err(not_there)?.into_iter();
    let rows = workflows.map(|Workflow { id, kind, name }| Row { id, kind, name });
    Ok(Outcome::render(WorkflowList(rows.collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct WorkflowList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    id: String,
    kind: String,
    name: String,
}

impl Render for WorkflowList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["ID", "KIND", "NAME"]);
        for row in &self.0 {
            table.row([&row.id, &row.kind, &row.name]);
        }
        View::Table(table)
    }
}
