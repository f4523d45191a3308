use serde::Serialize;

use crate::cli::flags::RackFlag;
use crate::context::Context;
use crate::event::Event;
use crate::flows::app;
use crate::outcome::{CommandError, Outcome};
use convox_wire::AppName;

/// Delete an app and everything in it
///
/// Does not ask for confirmation. The releases, builds and variables of the app are lost.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox apps delete convox-guide")]
pub(crate) struct Args {
    /// App name; there is no default
    #[arg(value_name = "APP")]
    name: AppName,
    #[command(flatten)]
    rack: RackFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    cx.emit(Event::Step(format!("Deleting {}", args.name)))?;
    rack.delete_app(&args.name).await?;
    app::gone(cx, &rack, &args.name, cx.wait_limit()).await?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(Deleted { deleted: args.name }))
}

#[derive(Serialize)]
struct Deleted {
    deleted: AppName,
}
