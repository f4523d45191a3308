use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::flows::follow_build;
use crate::outcome::Outcome;
use convox_wire::BuildId;

/// Show the log of a build, and follow it while the build is running
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox builds logs BXFGHCQLZGQ\n  \
                        convox builds logs BXFGHCQLZGQ --raw > build.log")]
pub(crate) struct Args {
    /// Build id
    build: BuildId,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    cx.emit(Event::About(app.clone(), Some(args.build.clone())))?;
    follow_build::show_whole(cx, &rack, &app, &args.build).await?;
    Ok(Outcome::streamed())
}
