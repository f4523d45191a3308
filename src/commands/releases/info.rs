use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::commands::env::list::MaskedEnv;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_wire::{BuildId, Release, ReleaseId};

/// Show a release with its environment
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox releases info RZYWJKKRDLI\n  \
                        convox releases info RZYWJKKRDLI --reveal")]
pub(crate) struct Args {
    /// Release id
    release: ReleaseId,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let release = rack.release(&app, &args.release).await?;
    let env = MaskedEnv::in_stored_order(cx, &rack, &app, &release.env).await?;
    Ok(Outcome::render(ReleaseInfo::new(release, env)))
}

#[derive(Serialize)]
struct ReleaseInfo {
    id: ReleaseId,
    build: Option<BuildId>,
    created: Option<DateTime<Utc>>,
    description: Option<String>,
    env: MaskedEnv,
}

impl ReleaseInfo {
    fn new(release: Release, env: MaskedEnv) -> Self {
        let Release { id, build, created, description, .. } = release;
        Self { id, build, created, description, env }
    }
}

impl Render for ReleaseInfo {
    fn render(&self, _rc: &RenderContext) -> View {
        let created = |time: &DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut info = InfoBlock::new();
        info.entry("Id", self.id.as_str());
        info.entry("Build", self.build.as_ref().map_or("", BuildId::as_str));
        info.entry("Created", self.created.as_ref().map_or(String::new(), created));
        info.entry("Description", self.description.as_deref().unwrap_or_default());
        info.entry("Env", self.env.to_string());
        View::Info(info)
    }
}
