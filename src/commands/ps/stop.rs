use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_wire::ProcessId;

/// Stop a process
///
/// The rack starts another one for the service, as many as its scale asks for.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox ps stop web-6d5f-x2x\n  \
                        convox ps stop web-6d5f-x2x -a web")]
pub(crate) struct Args {
    /// Process id
    #[arg(value_name = "PROCESS")]
    process: ProcessId,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let stop = async { Ok(rack.stop_process(&app, &args.process).await?) };
    cx.step(format!("Stopping {}", args.process), stop).await?;
    Ok(Outcome::json(Stopped { stopped: args.process }))
}

#[derive(Serialize)]
struct Stopped {
    stopped: ProcessId,
}
