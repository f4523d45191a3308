use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::info::InfoBlock;
use crate::output::{Render, RenderContext, View};
use convox_wire::{App, AppName, AppStatus, ReleaseId};

/// Show an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps info\n  \
                        convox apps info web --json")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app_or(args.name.as_ref())?;
    let app = cx.rack().await?.app(&app).await?;
    Ok(Outcome::render(AppInfo::from(app)))
}

/// An app, whole.
#[derive(Serialize)]
pub(super) struct AppInfo {
    name: AppName,
    status: AppStatus,
    generation: Option<String>,
    locked: bool,
    release: Option<ReleaseId>,
    router: Option<String>,
}

impl From<App> for AppInfo {
    fn from(app: App) -> Self {
        let App { name, status, generation, locked, release, router, .. } = app;
        Self { name, status, generation, locked, release, router }
    }
}

impl Render for AppInfo {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut info = InfoBlock::new();
        info.entry("Name", self.name.as_str());
        info.entry("Status", self.status.as_str());
        info.entry("Generation", self.generation.as_deref().unwrap_or_default());
        info.entry("Locked", self.locked.to_string());
        info.entry("Release", self.release.as_ref().map_or("", ReleaseId::as_str));
        if let Some(router) = &self.router {
            info.entry("Router", router);
        }
        View::Info(info)
    }
}
