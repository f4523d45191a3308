use super::info::AppInfo;
use crate::cli::flags::RackFlag;
use crate::context::Context;
use crate::event::Event;
use crate::flows::app;
use crate::outcome::{CommandError, Outcome};
use convox_client::rack::CreateApp;

/// Create an app
///
/// The name defaults to that in .convox/app, or the directory's name.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox apps create convox-guide")]
pub(crate) struct Args {
    /// App name
    #[arg(value_name = "APP")]
    name: Option<String>,
    /// Generation of the app (v2 racks)
    #[arg(short, long)]
    generation: Option<String>,
    /// Seconds that the rack may take to create it (v3 racks)
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u32>,
    #[command(flatten)]
    rack: RackFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app_or(args.name.as_deref())?;
    let options = CreateApp { generation: args.generation, timeout: args.timeout };
    let rack = cx.rack().await?;
    cx.emit(Event::Step(format!("Creating {name}")))?;
    rack.create_app(&name, &options).await?;
    let app = app::running(cx, &rack, &name, cx.wait_limit()).await?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(AppInfo::from(app)))
}
