use super::source_flags::SourceFlags;
use crate::cli::flags::{AppFlag, IdFlag, RackFlagOnly, StyleFlag, WaitFlags};
use crate::context::Context;
use crate::event::Event;
use crate::flows::build::{self, Built};
use crate::flows::promote::{self, promote};
use crate::outcome::{Failure, Outcome};
use crate::rack::Force;
use crate::wire::{AppName, ReleaseId};

/// Build a folder and make the result the active release
///
/// Packs the folder (minding .dockerignore), uploads it, follows the build's log, and promotes the
/// release it makes.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox deploy --wait")]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceFlags,
    /// Deploy although the app is being updated or runs the release already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    wait: WaitFlags,
    #[command(flatten)]
    id: IdFlag,
    #[command(flatten)]
    style: StyleFlag,
    #[command(flatten)]
    app: AppFlag,
    #[command(flatten)]
    rack: RackFlagOnly,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, Failure> {
    let create = args.source.create;
    let request = args.source.request();
    let source = build::check_source(&request)?;
    let name = cx.app_of(&request.dir)?;
    let rack = cx.rack().await?;
    build::app_to_build(cx, &rack, &name, create).await?;
    let manner = cx.promotes(if args.force { Force::Yes } else { Force::No });
    promote::refuse_early(&rack, &name, manner).await?;
    cx.emit(Event::Deploying(name.clone()))?;
    let Built { build, release } = build::build(cx, &rack, &name, &source, request).await?;
    cx.emit(Event::Built { build, release: release.clone(), told: false })?;
    promote(cx, &rack, &name, &release, manner)
        .await
        .map_err(|failure| with_release(failure, &name, &release))?;
    Ok(Outcome::told().with_id(&release))
}

/// The build is done: what is missing is the promote.
fn with_release(failure: Failure, app: &AppName, release: &ReleaseId) -> Failure {
    if failure.exit != crate::outcome::Exit::Failed || failure.what.starts_with("rollback") {
        return failure;
    }
    let again = format!(
        "the build has made {release}, promote it with: convox releases promote {release} -a {app}"
    );
    match failure.help.clone() {
        Some(help) => failure.try_this(format!("{help}; {again}")),
        None => failure.try_this(again),
    }
}
