//! The log of an app, or of several.

mod filter;
mod merge;
mod moment;
mod prefix;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{LocalBoxStream, StreamExt, select_all, unfold};
use regex_lite::Regex;
use tokio::time::{Instant, sleep_until};

use self::filter::LineFilter;
use self::merge::Merge;
use self::moment::Moment;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::outcome::Outcome;
use convox_client::rack::{AppLog, LogError, LogEvent, LogOptions, LogSource, Rack};
use convox_wire::{AppName, ServiceName};

/// Show the log of an app and follow it
///
/// A stream that breaks is resumed where it stopped. Stop with Ctrl-C. The logs of several apps are
/// merged in the order of time, with the app before each line. On a terminal, sources have different
/// colors.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox logs --since 20m --no-follow\n  convox logs --tail 100 --grep 'ERROR|WARN'\n  convox logs -a shop -a worker --since 1d --until 20h"
)]
pub(crate) struct Args {
    /// Show only the lines of one service (v3 racks)
    #[arg(short, long, value_name = "NAME")]
    service: Option<ServiceName>,
    /// Start this far back (20m, 1h30m, 1d) or at this time (RFC 3339); defaults to 2m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Moment>,
    /// End this far back or at this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
    /// Show only lines that match a regular expression; (?i) at its start ignores case
    #[arg(long, value_name = "REGEX")]
    grep: Option<Regex>,
    /// Let the rack select lines by a CloudWatch pattern; some racks ignore it
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Follow the log (the default)
    #[arg(short, long, overrides_with = "no_follow")]
    follow: bool,
    /// Exit after the existing lines
    #[arg(long)]
    no_follow: bool,
    /// Start with the last N lines of what --since covers: of the app, or of each process with
    /// --service
    #[arg(short = 'n', long, value_name = "N")]
    tail: Option<u32>,
    /// Follow at most N processes at once (with --service)
    #[arg(long, value_name = "N")]
    max_log_requests: Option<u32>,
    /// Show the log of the previous containers (with --service)
    #[arg(long)]
    allow_previous: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let apps = cx.apps()?;
    if cx.is_on_machine() && args.service.is_none() {
        return Err(CommandError::new("logs must specify --service")
            .hint(Hint::command("list the services with", "services")));
    }
    let rack = cx.rack().await?;
    for app in &apps {
        check(&rack, app, args.service.as_ref()).await?;
    }
    if let [app] = apps.as_slice() {
        cx.emit(Event::About(app.clone(), None))?;
    }
    let now = cx.clock.now();
    let until = args.until.map(|until| until.at(now));
    let options = LogOptions {
        filter: args.filter,
        no_follow: (args.no_follow && !args.follow) || until.is_some_and(|until| until <= now),
        since: args.since.map(|since| since.before(now)),
        tail: args.tail,
        max_log_requests: args.max_log_requests,
        previous: args.allow_previous,
    };
    let all_end = options.no_follow;
    let open = |app: &AppName| {
        let source = match &args.service {
            Some(service) => LogSource::Service(app.clone(), service.clone()),
            None => LogSource::App(app.clone()),
        };
        let filter = LineFilter::new(args.grep.clone(), until);
        OpenLog { log: rack.app_log(&source, options.clone()), filter }
    };
    let logs: Vec<OpenLog> = apps.iter().map(open).collect();
    let end = until.filter(|_| !all_end).map(|until| instant(until, now));
    let shown = async {
        if logs.len() == 1 {
            show(cx, logs).await
        } else {
            show_merged(cx, &apps, logs, all_end).await
        }
    };
    tokio::select! {
        shown = shown => shown?,
        () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => {}
    }
    Ok(Outcome::streamed())
}

/// Checks that the app exists, and the service: racks do not, so an unknown one would be silent.
async fn check(
    rack: &Rack,
    app: &AppName,
    service: Option<&ServiceName>,
) -> Result<(), CommandError> {
    rack.app(app).await?;
    let Some(service) = service else { return Ok(()) };
    let services = match rack.services(app).await {
        Ok(services) => services,
        // The log itself may be there all the same.
        Err(error) if error.status().is_some() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if services.iter().any(|known| known.name == *service) {
        return Ok(());
    }
    let names: Vec<&str> = services.iter().map(|known| known.name.as_str()).collect();
    let error = CommandError::new(format!("no such service: {service}"));
    if names.is_empty() {
        return Err(error
            .hint(format!("{app} has no services"))
            .hint(Hint::command("deploy it with", "deploy").app(app)));
    }
    Err(error
        .hint(format!("the services of {app}: {}", names.join(", ")))
        .hint(Hint::command("show them with", "services").app(app)))
}

/// The local time at which `time` is reached; it is in the future.
fn instant(time: DateTime<Utc>, now: DateTime<Utc>) -> Instant {
    Instant::now() + (time - now).to_std().unwrap_or_default()
}

/// A log with the choice of its lines.
struct OpenLog {
    log: AppLog,
    filter: LineFilter,
}

impl OpenLog {
    /// Returns what is shown next; `None` at the end.
    async fn next(&mut self) -> Result<Option<Next>, LogError> {
        loop {
            if self.filter.is_over() {
                return Ok(None);
            }
            match self.log.next().await? {
                LogEvent::Text(lines) => {
                    let lines = self.filter.apply(lines);
                    if !lines.is_empty() {
                        return Ok(Some(Next::Lines(lines)));
                    }
                }
                LogEvent::Resumed(what) => return Ok(Some(Next::Resumed(what))),
                LogEvent::Ended | LogEvent::NotReady(_) => return Ok(None),
            }
        }
    }
}

enum Next {
    Lines(Bytes),
    Resumed(&'static str),
}

/// Shows logs one after the other, as they are.
async fn show(cx: &Context, logs: Vec<OpenLog>) -> Result<(), CommandError> {
    for mut log in logs {
        while let Some(next) = log.next().await? {
            match next {
                Next::Lines(lines) => cx.emit(Event::Log(lines))?,
                Next::Resumed(what) => cx.notice(what),
            }
        }
    }
    Ok(())
}

/// Shows logs side by side, in the order of time.
async fn show_merged(
    cx: &Context,
    apps: &[AppName],
    logs: Vec<OpenLog>,
    all_end: bool,
) -> Result<(), CommandError> {
    let mut merge = Merge::new(logs.len(), all_end);
    let mut events =
        select_all(logs.into_iter().enumerate().map(|(index, log)| events(index, log)));
    loop {
        let release = merge.next_release();
        let next = tokio::select! {
            next = events.next() => Some(next),
            () = sleep_until(release.unwrap_or_else(Instant::now)), if release.is_some() => None,
        };
        let now = Instant::now();
        let is_over = matches!(next, Some(None));
        match next.flatten() {
            Some((index, Ok(Some(Next::Lines(lines))))) => merge.push(index, &lines, now),
            Some((index, Ok(Some(Next::Resumed(what))))) => {
                cx.notice(format!("{}: {what}", apps[index]));
            }
            Some((index, Ok(None))) => merge.end(index, now),
            Some((_, Err(error))) => return Err(error.into()),
            None => {}
        }
        for (index, lines) in merge.release(now) {
            cx.emit(Event::LogOf(apps[index].clone(), lines.freeze()))?;
        }
        if is_over {
            return Ok(());
        }
    }
}

type LogItem = (usize, Result<Option<Next>, LogError>);

/// The events of a log, with its index; `None` is the last one.
fn events(index: usize, log: OpenLog) -> LocalBoxStream<'static, LogItem> {
    unfold(Some(log), move |log| async move {
        let mut log = log?;
        let next = log.next().await;
        let goes_on = matches!(next, Ok(Some(_)));
        Some(((index, next), goes_on.then_some(log)))
    })
    .boxed_local()
}
