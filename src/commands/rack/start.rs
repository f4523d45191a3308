use std::net::SocketAddr;
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
use convox_devrack::daemon::{self, Address, Recovered, Salvaged, StartOptions};
use convox_devrack::{Limits, LogTap};

/// Start the development rack
///
/// Runs until Ctrl-C, and shows the logs of the apps. Deployed apps run as your own processes,
/// without a sandbox. Commands with -r dev start the rack in the background if necessary, and reach
/// it by a socket that only you can open.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack start\n  \
                        convox rack start --detach\n  \
                        convox rack start --listen 127.0.0.1:5000\n  \
                        convox rack start --detach --recover")]
pub(crate) struct Args {
    /// Run in the background
    #[arg(short, long)]
    detach: bool,
    /// Also listen on this loopback address, for RACK_URL and other clients
    ///
    /// Requests there need a password, which is a new one at each start. `convox rack status
    /// --reveal` prints the RACK_URL. With port 0, any free port is used.
    #[arg(long, value_name = "127.0.0.1:PORT", value_parser = loopback_address)]
    listen: Option<SocketAddr>,
    /// First replace a damaged database by what can be read of it
    ///
    /// The damaged file is kept beside it.
    #[arg(long)]
    recover: bool,
    #[arg(long, hide = true)]
    as_daemon: bool,
    #[arg(long, hide = true, value_name = "STEP")]
    recover_step: Option<daemon::Step>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    if let Some(step) = args.recover_step {
        daemon::recover_step(&dev::data_dir(cx)?, step)?;
        return Ok(Outcome::streamed());
    }
    if args.recover {
        recover(cx).await?;
    }
    if args.detach {
        let address = dev::start(cx, args.listen).await?;
        cx.emit(Event::Line(format!("The development rack {}", serving(address.as_ref()))))?;
        let data = dev::data_dir(cx)?;
        let status = daemon::status(&data).await?;
        return Ok(Outcome::json(RackStatus::new(data, status, false)));
    }
    if args.as_daemon {
        daemon::detach_self()
            .map_err(|error| CommandError::while_doing("the rack cannot detach itself", error))?;
    }
    daemon::raise_file_limit();
    daemon::close_on_exec();
    let data = dev::data_dir(cx)?;
    let ready = |address: Option<&Address>| announce(cx, address);
    let stop = dev::shutdown_requested();
    let (log_tap, lines) = if args.as_daemon { (None, None) } else { tap() };
    let options = StartOptions {
        environment: dev::base_environment(cx),
        clock: Clock::system(),
        limits: Limits::default(),
        listen: args.listen,
        log_tap,
        adoption: Some(daemon::Adoption::start()),
    };
    let served = daemon::run(&data, options, ready, stop);
    match lines {
        Some(lines) => show_logs(cx, lines, served).await?,
        None => served.await?,
    }
    Ok(Outcome::streamed())
}

/// The arguments that start this program for a step of the recovery, without the step.
const RECOVER_STEP: [&str; 3] = ["rack", "start", "--recover-step"];

async fn recover(cx: &Context) -> Result<(), CommandError> {
    let data = dev::data_dir(cx)?;
    let recovered = daemon::recover(&data, dev::program(cx)?, &RECOVER_STEP).await?;
    let Some(Recovered { salvaged, damaged }) = recovered else {
        cx.notice("the database is not damaged");
        return Ok(());
    };
    if salvaged == Salvaged::default() {
        cx.warn(format!(
            "the database was damaged, and nothing in it can be read; it is replaced by an empty one, \
             and the damaged file is kept as {}",
            damaged.display()
        ));
        return Ok(());
    }
    let Salvaged { apps, builds, releases } = salvaged;
    cx.notice(format!(
        "the database was damaged; what was saved: apps {apps}, builds {builds}, releases \
         {releases}; the damaged file is kept as {}",
        damaged.display()
    ));
    Ok(())
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

fn loopback_address(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => Err("the development rack listens on loopback addresses only".to_owned()),
        Err(_) => Err("expected an address and a port, for example 127.0.0.1:5000".to_owned()),
    }
}

fn serving(address: Option<&Address>) -> String {
    match address {
        Some(address) => format!("listens on {}", address.url()),
        None => "is running".to_owned(),
    }
}

/// Announces the rack. It serves even if stdout is closed.
fn announce(cx: &Context, address: Option<&Address>) {
    let line = format!("The development rack {}; Ctrl-C stops it", serving(address));
    drop(cx.emit(Event::Line(line)));
    drop(cx.ui.flush());
}
