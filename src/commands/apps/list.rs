use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use crate::settings::Style;
use convox_wire::{App, AppName, AppStatus, ReleaseId};

/// List apps
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps\n  \
                        convox apps -r dev --json\n  \
                        convox apps --watch 5")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let apps = cx.rack().await?.apps().await?;
    Ok(Outcome::render(AppList(apps.into_iter().map(Row::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct AppList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    name: AppName,
    status: AppStatus,
    release: Option<ReleaseId>,
}

impl From<App> for Row {
    fn from(app: App) -> Self {
        Self { name: app.name, status: app.status, release: app.release }
    }
}

impl Render for AppList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table = match rc.style {
            Style::Classic => Table::new(["APP", "STATUS"]),
            Style::V3 => Table::new(["APP", "STATUS", "RELEASE"]),
        };
        for app in &self.0 {
            let release = app.release.as_ref().map_or("", ReleaseId::as_str);
            table.row([app.name.as_str(), app.status.as_str(), release]);
        }
        View::Table(table)
    }
}
