mod dry_run;

use super::source_flags::SourceFlags;
use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::flows::build::{self, Built};
use crate::flows::promote::{self, promote_new_after};
use crate::flows::unpromoted::{NewEnv, NewRelease};
use crate::outcome::Outcome;
use convox_client::rack::Force;
use convox_wire::App;

/// Build a directory and promote the release
///
/// Packages the directory, respecting .dockerignore, uploads it, follows the build log, and
/// promotes the release.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox deploy --wait\n  \
                        convox deploy --create -a web -r dev\n  \
                        convox deploy services/api -d 'new checkout page'\n  \
                        convox deploy --dry-run")]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceFlags,
    /// Deploy even if the app is updating, or the release is already active
    #[arg(long)]
    force: bool,
    /// Change nothing: show what would be sent, and fail if the deploy could not work
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let options = cx.promote_options(if args.force { Force::Yes } else { Force::No });
    if args.dry_run {
        cx.only_asks();
        let plan = dry_run::plan(cx, args.source.request(), options).await?;
        cx.show(&plan)?;
        return plan.failure().map_or(Ok(Outcome::streamed()), Err);
    }
    let checked = build::check(cx, args.source.request()).await?;
    let (app, rack) = (checked.app.clone(), checked.rack.clone());
    promote::refuse_early(cx, &rack, &app, options).await?;
    cx.emit(Event::Deploying(app.clone()))?;
    let Built { build, release } = build::build(cx, checked).await?;
    cx.emit(Event::Built { build, release: release.clone(), announce: false })?;
    let new = NewRelease { app: &app, id: &release, env: NewEnv::Newest };
    let notice = async |before: &App| new.notice_variables_before(cx, &rack, before).await;
    promote_new_after(cx, &rack, &app, &release, options, notice).await?;
    Ok(Outcome::streamed().with_id(&release))
}
