use super::info::AppInfo;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::app;
use crate::outcome::Outcome;
use convox_wire::{AppName, AppStatus};

/// Wait until an app is running
///
/// Returns at once if the app is not updating. Fails if the update is rolled back. Waits at most an
/// hour, or as long as --wait-timeout allows.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps wait\n  \
                        convox apps wait web --wait-timeout 10m")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app_or(args.name.as_ref())?;
    let rack = cx.rack().await?;
    let before = app::read_existing(&rack, &name).await?;
    let wait = async {
        match before.status {
            // A rollback that began before this command does not make it fail.
            AppStatus::Rollback => app::wait_until_at_rest(cx, &rack, &name, cx.wait_limit()).await,
            _ => app::wait_until_running(cx, &rack, &name, cx.wait_limit()).await,
        }
    };
    let app = cx.step("Waiting for app", wait).await?;
    Ok(Outcome::json(AppInfo::from(app)))
}
