use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_wire::Registry;

/// List the registries that a rack may pull images from
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox registries\n  convox registries -r acme/production")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let registries = cx.rack().await?.registries().await?;
    let row = |Registry { server, username }| Row { server, username };
    Ok(Outcome::render(RegistryList(registries.into_iter().map(row).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct RegistryList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    server: String,
    username: Option<String>,
}

impl Render for RegistryList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["SERVER", "USERNAME"]);
        for row in &self.0 {
            table.row([row.server.as_str(), row.username.as_deref().unwrap_or_default()]);
        }
        View::Table(table)
    }
}
