use serde::Serialize;

use super::runtimes::managed;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::outcome::Outcome;

/// Give a rack of the console a cloud account
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack runtime attach 1a2b3c\n  \
                        convox rack runtime attach 1a2b3c -r acme/production")]
pub(crate) struct Args {
    /// Id of the account, as `rack runtimes` lists it
    runtime: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let (console, name) = managed(cx).await?;
    console.attach_runtime(&name, &args.runtime).await.map_err(|error| {
        CommandError::about_named(error, Hint::command("list runtimes with", "rack runtimes"))
    })?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(Attached { rack: name.to_string(), runtime: args.runtime }))
}

#[derive(Serialize)]
struct Attached {
    rack: String,
    runtime: String,
}
