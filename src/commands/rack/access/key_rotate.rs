use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use serde::Serialize;

/// Make all tokens of a rack invalid
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack access key rotate\n  \
                        convox rack access key rotate -r staging")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    cx.rack().await?.rotate_token_key().await?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(Rotated { rotated: true }))
}

#[derive(Serialize)]
struct Rotated {
    rotated: bool,
}
