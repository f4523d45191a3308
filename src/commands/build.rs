use super::source_flags::SourceFlags;
use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::flows::build::{self, Built};
use crate::flows::unpromoted::{NewEnv, NewRelease};
use crate::outcome::Outcome;

/// Build a directory without promoting the release
///
/// Packages the directory, respecting .dockerignore, uploads it, and follows the build log.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox build --description 'new checkout page'\n  \
                        release=$(convox build --id)\n  \
                        convox build . --manifest convox.staging.yml -a web")]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let checked = build::check(cx, args.source.request()).await?;
    cx.emit(Event::About(checked.app.clone(), None))?;
    let (app, rack) = (checked.app.clone(), checked.rack.clone());
    let Built { build, release } = build::build(cx, checked).await?;
    cx.emit(Event::Built { build, release: release.clone(), announce: true })?;
    NewRelease { app: &app, id: &release, env: NewEnv::Newest }.notice_variables(cx, &rack).await;
    Ok(Outcome::streamed().with_id(&release))
}
