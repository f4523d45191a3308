use super::source_flags::SourceFlags;
use crate::cli::flags::{IdFlag, OfApp, WaitLimitFlag};
use crate::context::Context;
use crate::event::Event;
use crate::flows::build::{self, Built};
use crate::outcome::{CommandError, Outcome};

/// Build a directory without promoting the release
///
/// Packages the directory, respecting .dockerignore, uploads it, and follows the build log.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox build --description 'new checkout page'")]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    limit: WaitLimitFlag,
    #[command(flatten)]
    id: IdFlag,
    #[command(flatten)]
    of: OfApp,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let checked = build::check(cx, args.source.request()).await?;
    cx.emit(Event::About(checked.app.clone(), None))?;
    let Built { build, release } = build::build(cx, checked).await?;
    cx.emit(Event::Built { build, release: release.clone(), told: true })?;
    Ok(Outcome::streamed().with_id(&release))
}
