use serde::Serialize;

use crate::context::{Context, dev};
use crate::error::CommandError;
use crate::outcome::Outcome;
use convox_devrack::daemon::{self, Stopped};

/// Stop the development rack and its apps
///
/// The next start runs the apps again.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack stop\n  \
                        convox rack stop --json")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let data = dev::data_dir(cx)?;
    let stop = async { Ok(daemon::stop(&data).await?) };
    let stopped = cx.step("Stopping the development rack", stop).await?;
    match stopped {
        Stopped::Ended | Stopped::Killed => (),
        Stopped::WasNotRunning => cx.notice("it was not running"),
        Stopped::Orphans { processes } => cx.notice(format!(
            "it had been killed; the processes that it left running ({processes}) were stopped"
        )),
    }
    let was_running = matches!(stopped, Stopped::Ended | Stopped::Killed);
    Ok(Outcome::json(Ended { was_running }))
}

#[derive(Serialize)]
struct Ended {
    was_running: bool,
}
