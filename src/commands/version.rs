use serde::Serialize;

use crate::cli::flags::RackFlag;
use crate::context::Context;
use crate::event::Event;
use crate::outcome::{CommandError, Outcome};

/// Show the versions of the client and the rack
///
/// The version of the rack is `none` if no rack is selected.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox version")]
pub(crate) struct Args {
    #[command(flatten)]
    rack: RackFlag,
}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let client = env!("CARGO_PKG_VERSION");
    cx.emit(Event::Line(format!("client: {client}")))?;
    let server = match cx.rack().await {
        Ok(rack) => Some(rack.system().await?.version),
        // No rack at all is an answer too.
        Err(failure) => {
            if !failure.what.starts_with("no current rack") {
                cx.warn(failure);
            }
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
