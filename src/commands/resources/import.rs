use std::path::PathBuf;

use serde::Serialize;

use super::rack;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::import::import_resource;
use crate::flows::transfer::Source;
use crate::outcome::Outcome;
use convox_wire::ResourceName;

/// Import a dump into a resource
///
/// Without --file, the dump is read from stdin, which must not be a terminal.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources import database --file dump.sql\n  \
                        convox resources import database < dump.sql")]
pub(crate) struct Args {
    /// Name of the resource
    resource: ResourceName,
    /// File to read
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let source = Source::for_data(cx, args.file.as_deref()).await?;
    let app = cx.app()?;
    let rack = rack(cx).await?;
    let work = import_resource(cx, &rack, &app, &args.resource, &source);
    cx.step("Importing resource data", work).await?;
    Ok(Outcome::json(Imported { resource: args.resource }))
}

#[derive(Serialize)]
struct Imported {
    resource: ResourceName,
}
