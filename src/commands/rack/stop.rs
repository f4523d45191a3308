use serde::Serialize;

use crate::context::{Context, dev};
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_devrack::daemon::{self, Stopped};

/// Stop the development rack and its apps
///
/// The next start runs the apps again.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox rack stop")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let data = dev::data_folder(cx)?;
    let stop = async { Ok(daemon::stop(&data).await?) };
    let stopped = cx.step("Stopping the development rack", stop).await?;
    let was_running = stopped != Stopped::WasNotRunning;
    if !was_running {
        cx.notice("it was not running");
    }
    Ok(Outcome::json(Ended { was_running }))
}

#[derive(Serialize)]
struct Ended {
    was_running: bool,
}
