use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::flows::logs::follow;
use crate::outcome::Outcome;
use convox_client::rack::{LogOptions, LogSource};
use convox_wire::ServiceName;
use convox_wire::duration::SignedGoDuration;

/// Show the log of an app and follow it
///
/// A stream that breaks is resumed where it stopped. Stop with Ctrl-C.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox logs\n  \
                        convox logs --since 20m --no-follow\n  \
                        convox logs --service web --tail 100")]
pub(crate) struct Args {
    /// Show only the lines of one service (v3 racks)
    #[arg(short, long, value_name = "NAME")]
    service: Option<ServiceName>,
    /// Start this far back, for example 20m or 1h30m; defaults to 2m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<SignedGoDuration>,
    /// Show only matching lines (a CloudWatch pattern; some racks ignore it)
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Follow the log (the default)
    #[arg(long, overrides_with = "no_follow")]
    follow: bool,
    /// Exit after the existing lines
    #[arg(long)]
    no_follow: bool,
    /// Start with the last N lines of each process (with --service)
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// Follow at most N processes at once (with --service)
    #[arg(long, value_name = "N")]
    max_log_requests: Option<u32>,
    /// Show the log of the previous containers (with --service)
    #[arg(long)]
    allow_previous: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    // Racks do not check the app of a log: an unknown one would be silent for a minute.
    rack.app(&app).await?;
    cx.emit(Event::About(app.clone(), None))?;
    let options = LogOptions {
        filter: args.filter,
        no_follow: args.no_follow && !args.follow,
        since: args.since,
        tail: args.tail,
        max_log_requests: args.max_log_requests,
        previous: args.allow_previous,
    };
    let source = match args.service {
        Some(service) => LogSource::Service(app, service),
        None => LogSource::App(app),
    };
    follow(cx, rack.app_log(&source, options)).await?;
    Ok(Outcome::streamed())
}
