use std::path::PathBuf;

use serde::Serialize;

use super::rack;
use crate::commands::exported;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::transfer::{Target, export};
use crate::outcome::Outcome;
use convox_wire::ResourceName;

/// Export the data of a resource as a dump
///
/// A file appears under its name once all of the dump is written. Without --file, the dump goes to
/// stdout, which must not be a terminal.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources export database --file dump.sql\n  \
                        convox resources export database > dump.sql")]
pub(crate) struct Args {
    /// Name of the resource
    resource: ResourceName,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let target = Target::for_data(cx, args.file.as_deref())?;
    let app = cx.app()?;
    let rack = rack(cx).await?;
    let dump = rack.export_resource(&app, &args.resource);
    let bytes = export(cx, "Exporting resource data", dump, &target).await?;
    Ok(exported(&target, Exported { resource: args.resource, bytes }))
}

#[derive(Serialize)]
struct Exported {
    resource: ResourceName,
    bytes: u64,
}
