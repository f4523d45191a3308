use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_client::rack::RackResource;

/// List the resources of a rack
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack resources\n  convox rack resources -r staging")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let resources = cx.rack().await?.rack_resources().await?;
    Ok(Outcome::render(ResourceList(resources.into_iter().map(Row::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ResourceList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    status: Option<String>,
}

impl From<RackResource> for Row {
    fn from(found: RackResource) -> Self {
        let resource = found.resource;
        Self { name: resource.name, kind: resource.kind, status: resource.status }
    }
}

impl Render for ResourceList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["NAME", "TYPE", "STATUS"]);
        for row in &self.0 {
            table.row([&row.name, &row.kind, row.status.as_deref().unwrap_or_default()]);
        }
        View::Table(table)
    }
}
