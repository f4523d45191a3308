use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::ReleaseId;

/// List the versions that a rack has had
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack releases\n  convox rack releases -r staging")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let releases = cx.rack().await?.system_releases().await?.into_iter();
    let rows = releases.map(|release| Row { version: release.id, updated: release.created });
    Ok(Outcome::render(VersionList(rows.collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct VersionList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    version: ReleaseId,
    updated: Option<DateTime<Utc>>,
}

impl Render for VersionList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table = Table::new(["VERSION", "UPDATED"]);
        for row in &self.0 {
            table.row([row.version.as_str(), &humanize::ago(rc.now, row.updated)]);
        }
        View::Table(table)
    }
}
