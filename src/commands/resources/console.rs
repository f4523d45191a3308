use super::rack;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::session::{attach, window_size};
use crate::outcome::Outcome;
use convox_wire::ResourceName;

/// Open the client of a resource, such as psql
///
/// On a terminal every key goes to the client, Ctrl-C too.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources console database\n  \
                        convox resources console database -a convox-guide")]
pub(crate) struct Args {
    /// Name of the resource
    resource: ResourceName,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = rack(cx).await?;
    let session = rack.resource_console(&app, &args.resource, window_size(cx)).await?;
    attach(cx, session).await.map_err(|error| {
        error.into_command_error(vec![
            Hint::command("open it again with", "resources console").arg(&args.resource).app(&app),
        ])
    })?;
    Ok(Outcome::streamed())
}
