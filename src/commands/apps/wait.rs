use super::info::AppInfo;
use crate::cli::flags::{OfApp, WaitLimitFlag};
use crate::context::Context;
use crate::event::Event;
use crate::flows::app;
use crate::outcome::{CommandError, Outcome};
use convox_wire::AppStatus;

/// Wait until an app is running
///
/// Returns at once if the app is not updating. Fails if the update is rolled back. Waits at most an
/// hour, or as long as --wait-timeout allows.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox apps wait convox-guide --wait-timeout 10m")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<String>,
    #[command(flatten)]
    of: OfApp,
    #[command(flatten)]
    limit: WaitLimitFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app_or(args.name.as_deref())?;
    let rack = cx.rack().await?;
    let before = app::existing(&rack, &name).await?;
    cx.emit(Event::Step("Waiting for app".to_owned()))?;
    let app = match before.status {
        // Begun before anybody waited: what it goes back to is what there is to wait for.
        AppStatus::Rollback => app::at_rest(cx, &rack, &name, cx.wait_limit()).await?,
        _ => app::running(cx, &rack, &name, cx.wait_limit()).await?,
    };
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(AppInfo::from(app)))
}
