use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View, humanize};
use convox_wire::{Build, BuildId, BuildStatus, ReleaseId};

/// Show a build
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox builds info BXFGHCQLZGQ\n  \
                        convox builds info BXFGHCQLZGQ --json")]
pub(crate) struct Args {
    /// Build id
    build: BuildId,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let build = cx.rack().await?.build(&app, &args.build).await?;
    Ok(Outcome::render(BuildInfo::from(build)))
}

/// A build, as it is listed and shown.
#[derive(Serialize)]
pub(super) struct BuildInfo {
    pub(super) id: BuildId,
    pub(super) status: BuildStatus,
    pub(super) release: Option<ReleaseId>,
    pub(super) description: Option<String>,
    pub(super) started: Option<DateTime<Utc>>,
    pub(super) ended: Option<DateTime<Utc>>,
    pub(super) reason: Option<String>,
    pub(super) git_sha: Option<String>,
}

impl From<Build> for BuildInfo {
    fn from(build: Build) -> Self {
        let Build { id, status, release, description, started, ended, reason, git_sha, .. } = build;
        Self { id, status, release, description, started, ended, reason, git_sha }
    }
}

impl Render for BuildInfo {
    fn render(&self, rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        info.entry("Id", self.id.as_str());
        info.entry("Status", self.status.as_str());
        info.entry("Release", self.release.as_ref().map_or("", ReleaseId::as_str));
        info.entry("Description", self.description.as_deref().unwrap_or_default());
        info.entry("Started", humanize::ago(rc.now, self.started));
        info.entry("Elapsed", humanize::elapsed(self.started, self.ended));
        View::Info(info)
    }
}
