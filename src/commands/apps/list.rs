use serde::Serialize;

use crate::cli::flags::{RackFlag, StyleFlag, WatchFlag};
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::output::table::Table;
use crate::output::{Show, Shown, Sight};
use crate::settings::Style;
use convox_wire::{App, AppName, AppStatus, ReleaseId};

/// List apps
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox apps")]
pub(crate) struct Args {
    #[command(flatten)]
    rack: RackFlag,
    #[command(flatten)]
    style: StyleFlag,
    #[command(flatten)]
    watch: WatchFlag,
}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, Failure> {
    let apps = cx.rack().await?.apps().await?;
    Ok(Outcome::show(AppList(apps.into_iter().map(Row::from).collect())))
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

impl Show for AppList {
    fn show(&self, sight: &Sight) -> Shown {
        let mut table = match sight.style {
            Style::Classic => Table::new(["APP", "STATUS"]),
            Style::V3 => Table::new(["APP", "STATUS", "RELEASE"]),
        };
        for app in &self.0 {
            let release = app.release.as_ref().map_or("", ReleaseId::as_str);
            table.row([app.name.as_str(), app.status.as_str(), release]);
        }
        Shown::Table(table)
    }
}
