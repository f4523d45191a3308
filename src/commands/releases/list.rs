use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use crate::settings::Style;
use convox_wire::{App, BuildId, ReleaseId, ReleaseStatus, ReleaseSummary, rollback_target};

/// List releases, newest first
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox releases --limit 5\n  \
                        convox releases -a web --json")]
pub(crate) struct Args {
    /// Number of releases to list; defaults to 10
    #[arg(short, long, value_name = "N")]
    limit: Option<u32>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app()?;
    let rack = cx.rack().await?;
    let app = rack.app(&name).await?;
    let releases = rack.releases(&name, args.limit).await?;
    Ok(Outcome::render(ReleaseList::new(&app, releases)))
}

#[derive(Serialize)]
#[serde(transparent)]
struct ReleaseList(Vec<Row>);

#[derive(Serialize)]
struct Row {
    id: ReleaseId,
    active: bool,
    build: Option<BuildId>,
    created: Option<DateTime<Utc>>,
    description: Option<String>,
    /// The release that it went back to, if it is a rollback.
    rollback_to: Option<ReleaseId>,
    /// What the rack says about its last promote.
    status: Option<ReleaseStatus>,
    /// Why that failed.
    reason: Option<String>,
}

impl ReleaseList {
    fn new(app: &App, releases: Vec<ReleaseSummary>) -> Self {
        let row = |release: ReleaseSummary| {
            let active = app.release.as_ref() == Some(&release.id);
            let ReleaseSummary { id, build, created, description, status, reason, .. } = release;
            let rollback_to = description.as_deref().and_then(rollback_target);
            Row { id, active, build, created, description, rollback_to, status, reason }
        };
        Self(releases.into_iter().map(row).collect())
    }
}

impl Row {
    fn status(&self) -> &str {
        match &self.status {
            _ if self.active => "active",
            Some(status) => status.as_str(),
            None => "",
        }
    }
}

impl Render for ReleaseList {
    fn render(&self, rc: &RenderContext) -> View {
        let columns: &[&str] = match rc.style {
            Style::Classic => &["ID", "CREATED", "BUILD", "STATUS"],
            Style::V3 => &["ID", "STATUS", "BUILD", "CREATED", "DESCRIPTION"],
        };
        // A column that is there only if something failed.
        let reason = self.0.iter().any(|release| release.reason.is_some()).then_some("REASON");
        let mut table = Table::new(columns.iter().copied().chain(reason));
        for release in &self.0 {
            let id = release.id.as_str();
            let status = release.status();
            let reason = release.reason.as_deref().unwrap_or_default();
            let build = release.build.as_ref().map_or("", BuildId::as_str);
            let created = humanize::ago(rc.now, release.created);
            let description = release.description.as_deref().unwrap_or_default();
            match rc.style {
                Style::Classic => table.row([id, &created, build, status, reason]),
                Style::V3 => table.row([id, status, build, &created, description, reason]),
            };
        }
        View::Table(table)
    }
}
