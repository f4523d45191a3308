use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use serde::Serialize;

/// Allow the addresses of a rack's instances at its API
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack sync whitelist instances ip\n  \
                        convox rack sync whitelist instances ip -r staging")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    cx.rack().await?.sync_instance_addresses().await?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(Synced { synced: true }))
}

#[derive(Serialize)]
struct Synced {
    synced: bool,
}
