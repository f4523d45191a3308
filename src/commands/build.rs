use super::source_flags::SourceFlags;
use crate::cli::flags::{AppFlag, IdFlag, RackFlag};
use crate::context::Context;
use crate::event::Event;
use crate::flows::build::{self, Built};
use crate::outcome::{Failure, Outcome};

/// Build a folder, without promoting the release it makes
///
/// Packs the folder (minding .dockerignore), uploads it, and follows the build's log.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox build --description 'new checkout page'")]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    id: IdFlag,
    #[command(flatten)]
    app: AppFlag,
    #[command(flatten)]
    rack: RackFlag,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, Failure> {
    let create = args.source.create;
    let request = args.source.request();
    let source = build::check_source(&request)?;
    let name = cx.app_of(&request.dir)?;
    let rack = cx.rack().await?;
    build::app_to_build(cx, &rack, &name, create).await?;
    cx.emit(Event::About(name.clone(), None))?;
    let Built { build, release } = build::build(cx, &rack, &name, &source, request).await?;
    cx.emit(Event::Built { build, release: release.clone(), told: true })?;
    Ok(Outcome::told().with_id(&release))
}
