use crate::context::Context;
use crate::error::CommandError;
use crate::flows::logs::follow;
use crate::outcome::Outcome;
use convox_client::rack::{LogOptions, LogSource};
use convox_wire::duration::SignedGoDuration;

/// Show the log of a rack and follow it
///
/// A stream that breaks is resumed where it stopped. Stop with Ctrl-C.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack logs --since 20m --no-follow\n  \
                        convox rack logs -r staging")]
pub(crate) struct Args {
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
    /// Start with the last N lines
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let options = LogOptions {
        filter: args.filter,
        no_follow: args.no_follow && !args.follow,
        since: args.since,
        tail: args.tail,
        ..LogOptions::default()
    };
    follow(cx, rack.app_log(&LogSource::System, options)).await?;
    Ok(Outcome::streamed())
}
