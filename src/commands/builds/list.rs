use serde::Serialize;

use super::info::BuildInfo;
use crate::cli::flags::{OfApp, WatchFlag};
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::output::table::Table;
use crate::output::{Show, Shown, Sight, words};
use convox_wire::ReleaseId;

/// List builds, newest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox builds --limit 3")]
pub(crate) struct Args {
    /// How many to list; without it 10
    #[arg(short, long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    watch: WatchFlag,
    #[command(flatten)]
    of: OfApp,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, Failure> {
    let app = cx.app()?;
    let builds = cx.rack().await?.builds(&app, args.limit).await?;
    Ok(Outcome::show(BuildList(builds.into_iter().map(BuildInfo::from).collect())))
}

#[derive(Serialize)]
#[serde(transparent)]
struct BuildList(Vec<BuildInfo>);

impl Show for BuildList {
    fn show(&self, sight: &Sight) -> Shown {
        let mut table =
            Table::new(["ID", "STATUS", "RELEASE", "STARTED", "ELAPSED", "DESCRIPTION"]);
        for build in &self.0 {
            let release = build.release.as_ref().map_or("", ReleaseId::as_str);
            let started = words::ago(sight.now, build.started);
            let elapsed = words::elapsed(build.started, build.ended);
            let description = build.description.as_deref().unwrap_or_default();
            let status = build.status.as_str();
            table.row([build.id.as_str(), status, release, &started, &elapsed, description]);
        }
        Shown::Table(table)
    }
}
