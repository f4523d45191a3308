use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use serde::Serialize;

/// Remove a registry from a rack
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox registries remove ghcr.io\n  convox registries remove ghcr.io -r acme/production"
)]
pub(crate) struct Args {
    /// Host of the registry, as it is listed
    server: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let remove = async {
        let done = rack.remove_registry(&args.server).await;
        done.map_err(|error| {
            CommandError::about_named(error, Hint::command("list registries with", "registries"))
        })
    };
    cx.step("Removing registry", remove).await?;
    Ok(Outcome::json(Removed { removed: args.server }))
}

#[derive(Serialize)]
struct Removed {
    removed: String,
}
