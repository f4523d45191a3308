use serde::Serialize;

use super::info::BuildInfo;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::ReleaseId;

/// List builds, newest first
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox builds --limit 3\n  \
                        convox builds --watch 5\n  \
                        convox builds -a web --json")]
pub(crate) struct Args {
    /// Number of builds to list; defaults to 10
    #[arg(short, long, value_name = "N")]
    limit: Option<u32>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let builds = cx.rack().await?.builds(&app, args.limit).await?;
    Ok(Outcome::render(BuildList(builds.into_iter().map(BuildInfo::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct BuildList(Vec<BuildInfo>);

impl Render for BuildList {
    fn render(&self, rc: &RenderContext) -> View {
        let mut table =
            Table::new(["ID", "STATUS", "RELEASE", "STARTED", "ELAPSED", "DESCRIPTION"]);
        for build in &self.0 {
            let release = build.release.as_ref().map_or("", ReleaseId::as_str);
            let started = humanize::ago(rc.now, build.started);
            let elapsed = humanize::elapsed(build.started, build.ended);
            let description = build.description.as_deref().unwrap_or_default();
            let status = build.status.as_str();
            table.row([build.id.as_str(), status, release, &started, &elapsed, description]);
        }
        View::Table(table)
    }
}
