use crate::commands::runtimes::RuntimeList;
use crate::context::{Context, Manager};
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use convox_client::rack::Console;
use convox_wire::RackName;

/// List the cloud accounts that a rack of the console can use
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack runtimes\n  \
                        convox rack runtimes -r acme/production")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let (console, name) = managed(cx).await?;
    Ok(Outcome::render(RuntimeList::from(console.rack_runtimes(&name).await?)))
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
