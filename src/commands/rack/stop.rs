use serde::Serialize;

use crate::context::{Context, dev};
use crate::event::Event;
use crate::outcome::{CommandError, Outcome};
use convox_devrack::daemon::{self, Stopped};

/// Stop the development rack and its apps
///
/// The next start runs the apps again.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox rack stop")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let data = dev::data_folder(cx)?;
    cx.emit(Event::Step("Stopping the development rack".to_owned()))?;
    let stopped = daemon::stop(&data).await.map_err(CommandError::new)?;
    cx.emit(Event::Done(None))?;
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
