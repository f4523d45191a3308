use crate::commands::runtimes::RuntimeList;
use crate::context::{Context, Manager};
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use convox_client::rack::{Console, Error};
use convox_wire::RackName;

/// List the cloud accounts that a rack of the console can use
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack runtimes\n  \
                        convox rack runtimes -r acme/production")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let (console, name) = managed(cx).await?;
    let runtimes = console.rack_runtimes(&name).await.map_err(not_there)?;
    Ok(Outcome::render(RuntimeList::from(runtimes)))
}

/// A request about a rack that the console may not have.
pub(crate) fn not_there(error: Error) -> CommandError {
    CommandError::about_named(error, Hint::command("list racks with", "racks"))
}

/// The console that manages the rack.
pub(crate) async fn managed(cx: &Context) -> Result<(Console, RackName), CommandError> {
    match cx.manager().await? {
        Manager::Console { console, name } => Ok((console, name)),
        Manager::Terraform { .. } | Manager::Itself(_) => {
            Err(CommandError::new("this rack is not managed by a console")
                .hint(Hint::command("list racks with", "racks")))
        }
    }
}
