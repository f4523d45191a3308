use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::app;
use crate::outcome::Outcome;
use convox_client::rack::{Error, Refusal};
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
        rack.delete_app(&args.name).await.map_err(|error| refused(error, &args.name))?;
        app::wait_until_deleted(cx, &rack, &args.name, cx.wait_limit()).await
    };
    cx.step(format!("Deleting {}", args.name), delete).await?;
    Ok(Outcome::json(Deleted { deleted: args.name }))
}

fn refused(error: Error, app: &AppName) -> CommandError {
    let is_locked = error.refusal() == Some(Refusal::AppLocked);
    let failure = CommandError::from(error);
    if is_locked {
        return failure.hint(Hint::command("unlock it with", "apps unlock").app(app));
    }
    failure
}

#[derive(Serialize)]
struct Deleted {
    deleted: AppName,
}
