use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::flows::app;
use crate::outcome::Outcome;
use convox_wire::AppName;

/// Delete an app and everything in it
///
/// Does not ask for confirmation. The releases, builds and variables of the app are lost.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps delete web\n  \
                        convox apps delete web -r staging")]
pub(crate) struct Args {
    /// App name; there is no default
    #[arg(value_name = "APP")]
    name: AppName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let delete = async {
        rack.delete_app(&args.name).await?;
        app::wait_until_deleted(cx, &rack, &args.name, cx.wait_limit()).await
    };
    cx.step(format!("Deleting {}", args.name), delete).await?;
    Ok(Outcome::json(Deleted { deleted: args.name }))
}

#[derive(Serialize)]
struct Deleted {
    deleted: AppName,
}
