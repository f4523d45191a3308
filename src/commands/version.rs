use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;

/// Show the versions of the client and the rack
///
/// The version of the rack is `none` if no rack is selected.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox version\n  \
                        convox version -r staging --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let client = env!("CARGO_PKG_VERSION");
    cx.emit(Event::Line(format!("client: {client}")))?;
    let server = match cx.rack_if_chosen().await {
        Ok(Some(rack)) => Some(rack.system().await?.version),
        Ok(None) => None,
        Err(error) => {
            cx.warn_with(error.message(), error.hints());
            None
        }
    };
    cx.emit(Event::Line(format!("server: {}", server.as_deref().unwrap_or("none"))))?;
    Ok(Outcome::json(Versions { client, server }))
}

#[derive(Serialize)]
struct Versions {
    client: &'static str,
    server: Option<String>,
}
