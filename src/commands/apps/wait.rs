use super::info::AppInfo;
use crate::cli::flags::{AppFlag, RackFlagOnly, WaitFlags};
use crate::context::Context;
use crate::event::Event;
use crate::flows::app;
use crate::outcome::{Failure, Outcome};

/// Wait until an app is running
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox apps wait convox-guide --wait-timeout 10m")]
pub(crate) struct Args {
    /// App name
    #[arg(value_name = "APP")]
    name: Option<String>,
    #[command(flatten)]
    app: AppFlag,
    #[command(flatten)]
    rack: RackFlagOnly,
    #[command(flatten)]
    wait: WaitFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, Failure> {
    let name = cx.app_or(args.name.as_deref())?;
    let rack = cx.rack().await?;
    app::existing(&rack, &name).await?;
    cx.emit(Event::Step("Waiting for app".to_owned()))?;
    let app = app::running(cx, &rack, &name, cx.wait_limit()).await?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::done(AppInfo::from(app)))
}
