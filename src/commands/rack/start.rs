use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, channel};

use super::status::RackStatus;
use crate::context::Context;
use crate::context::dev;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use convox_devrack::clock::Clock;
use convox_devrack::daemon::{self, Address};
use convox_devrack::{Limits, LogTap};

/// Start the development rack
///
/// Runs until Ctrl-C, and shows the logs of the apps. Deployed apps run as your own processes, without a sandbox. The rack listens
/// on the loopback interface only. Commands with -r dev start it in the background if necessary.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack start\n  \
                        convox rack start --detach")]
pub(crate) struct Args {
    /// Run in the background
    #[arg(short, long)]
    detach: bool,
    #[arg(long, hide = true)]
    as_daemon: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    if args.detach {
        let address = dev::start(cx).await?;
        cx.emit(Event::Line(format!("The development rack answers at {}", address.url())))?;
        let data = dev::data_dir(cx)?;
        let status = daemon::status(&data).await?;
        return Ok(Outcome::json(RackStatus::new(data, status)));
    }
    if args.as_daemon {
        daemon::detach_self()
            .map_err(|error| CommandError::while_doing("the rack cannot detach itself", error))?;
    }
    daemon::raise_file_limit();
    daemon::close_on_exec();
    let data = dev::data_dir(cx)?;
    let ready = |address: &Address| announce(cx, address);
    let environment = dev::base_environment(cx);
    let stop = dev::shutdown_requested();
    let adoption = daemon::Adoption::start();
    let limits = Limits::default();
    let grace = limits.processes.stop;
    let (tap, lines) = if args.as_daemon { (None, None) } else { tap() };
    let served = daemon::run(&data, environment, Clock::system(), limits, tap, ready, stop);
    let served = match lines {
        Some(lines) => show_logs(cx, lines, served).await,
        None => served.await,
    };
    adoption.end(grace).await;
    served?;
    Ok(Outcome::streamed())
}

/// Lines of logs that are kept if they come faster than they are shown. The rest is not shown; the
/// logs of the apps have everything.
const LINES: usize = 10_000;

fn tap() -> (Option<LogTap>, Option<Receiver<String>>) {
    let (sender, lines) = channel(LINES);
    let tap = move |line: &str| {
        // It is full, or the run is over.
        let _ = sender.try_send(line.to_owned());
    };
    (Some(Arc::new(tap)), Some(lines))
}

/// Shows the lines of logs until the rack has ended.
async fn show_logs<T>(
    cx: &Context,
    mut lines: Receiver<String>,
    served: impl Future<Output = T>,
) -> T {
    let mut served = pin!(served);
    // The rack serves even if stdout is closed.
    let show = |line: String| drop(cx.emit(Event::Log(line.into())));
    let ended = loop {
        tokio::select! {
            ended = &mut served => break ended,
            Some(line) = lines.recv() => show(line),
        }
    };
    while let Ok(line) = lines.try_recv() {
        show(line);
    }
    ended
}

/// Announces the address. The rack serves even if stdout is closed.
fn announce(cx: &Context, address: &Address) {
    let line = format!("The development rack answers at {}; Ctrl-C ends it", address.url());
    drop(cx.emit(Event::Line(line)));
    drop(cx.ui.flush());
}
