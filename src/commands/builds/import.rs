use std::path::PathBuf;

use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::flows::import::import_build;
use crate::flows::transfer::Source;
use crate::outcome::Outcome;
use convox_wire::{AppName, BuildId, ReleaseId};

/// Import an exported build
///
/// The rack creates a release of it. Without --file, the export is read from stdin, which must not
/// be a terminal.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox builds import --file build.tgz\n  \
                        convox builds import -a convox-guide < build.tgz")]
pub(crate) struct Args {
    /// File to read
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let source = Source::for_data(cx, args.file.as_deref()).await?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let build = import_build(cx, &rack, &app, &source).await?;
    let (id, release) = (build.id, build.release);
    let outcome = Outcome::json(Imported { app, build: id, release: release.clone() });
    Ok(match &release {
        Some(release) => outcome.with_id(release),
        None => outcome,
    })
}

#[derive(Serialize)]
struct Imported {
    app: AppName,
    build: BuildId,
    release: Option<ReleaseId>,
}
