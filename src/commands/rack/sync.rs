use serde::Serialize;

use crate::context::{Context, Manager};
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;

/// Have the console read a v2 rack again
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack sync\n  convox rack sync -r acme/production")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let unsupported = || CommandError::new("sync is only supported for console managed v2 racks");
    let Manager::Console { console, name } = cx.manager().await? else { return Err(unsupported()) };
    if console.managed_rack(&name).await?.has_state() {
        return Err(unsupported());
    }
    console.sync_rack(&name).await?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(Synced { rack: name.to_string() }))
}

#[derive(Serialize)]
struct Synced {
    rack: String,
}
