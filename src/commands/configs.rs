use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_wire::AppConfig;

/// List the configs of an app
///
/// Configs are small files that services can mount.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox configs\n  \
                        convox configs -a convox-guide --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let configs = cx.rack().await?.configs(&app).await?;
    let name = |config: AppConfig| Row { name: config.name };
    Ok(Outcome::render(ConfigList(configs.into_iter().map(name).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ConfigList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    name: String,
}

impl Render for ConfigList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["CONFIG-ID"]);
        for config in &self.0 {
            table.row([&config.name]);
        }
        View::Table(table)
    }
}
