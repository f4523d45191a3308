use std::path::PathBuf;

use serde::Serialize;

use crate::commands::exported;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::transfer::{Target, export};
use crate::outcome::Outcome;
use convox_wire::BuildId;

/// Export a build, with its images
///
/// A file appears under its name once all of the export is written. Without --file, the export goes
/// to stdout, which must not be a terminal.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox builds export BXFGHCQLZGQ --file build.tgz\n  \
                        convox builds export BXFGHCQLZGQ > build.tgz")]
pub(crate) struct Args {
    /// Build id
    build: BuildId,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let target = Target::for_data(cx, args.file.as_deref())?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let build = rack.export_build(&app, &args.build);
    let bytes = export(cx, "Exporting build", build, &target).await?;
    Ok(exported(&target, Exported { build: args.build, bytes }))
}

#[derive(Serialize)]
struct Exported {
    build: BuildId,
    bytes: u64,
}
