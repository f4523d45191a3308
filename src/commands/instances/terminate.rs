use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use serde::Serialize;

/// Terminate an instance of a rack
///
/// The rack starts another one in its place.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox instances terminate i-0a1b2c3d\n  convox instances terminate i-0a1b2c3d -r acme/production"
)]
pub(crate) struct Args {
    /// Instance id
    instance: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let terminate = async {
        let done = rack.terminate_instance(&args.instance).await;
        done.map_err(|error| {
            CommandError::about_named(error, Hint::command("list instances with", "instances"))
        })
    };
    cx.step("Terminating instance", terminate).await?;
    Ok(Outcome::json(Terminated { terminated: args.instance }))
}

#[derive(Serialize)]
struct Terminated {
    terminated: String,
}
