//! Follows a build: shows its log, and polls its status, which decides.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::build::Built;
use super::build_log::{FollowMode, LogStop, show_log};
use super::notify_unavailable;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::signals::{self, EndSignal};
use convox_client::rack::{Error, LogError, Rack};
use convox_client::wait::{WaitError, until};
use convox_wire::duration::GoDuration;
use convox_wire::{AppName, Build, BuildId, BuildStatus};

/// How long after its end the log of a build that stays `running` is attached again.
const QUIET: Duration = Duration::from_secs(5);

/// Shows the log of `build` until the build is over.
pub(crate) async fn follow(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    build: Build,
) -> Result<Built, CommandError> {
    let id = build.id;
    let over = tokio::select! {
        over = with_log(cx, rack, app, &id) => over?,
        signal = signals::received() => return Err(interrupted(signal, app, &id)),
    };
    match over.status {
        BuildStatus::Complete => {
            let release = over.release.ok_or_else(|| without_release(app, &id))?;
            Ok(Built { build: id, release })
        }
        BuildStatus::Failed => Err(failed(app, &over)),
        status => Err(CommandError::new(format!("unexpected build status: {status}"))
            .hint(show_log_hint("read its log with", app, &id))),
    }
}

/// Shows the log while polling; ends with the build, after a grace period for the log.
async fn with_log(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
) -> Result<Build, CommandError> {
    let ended = watch::Sender::new(false);
    let log = show_log(cx, rack, app, id, ended.subscribe(), FollowMode::WholeBuild);
    let mut log = std::pin::pin!(log);
    let mut polls = std::pin::pin!(poll_until_ended(cx, rack, app, id, Freshness::JustStarted));
    let mut log_open = true;
    let build = loop {
        tokio::select! {
            biased;
            shown = &mut log, if log_open => {
                log_open = false;
                if let Some(build) = warn_if_unreadable(cx, app, id, shown)? {
                    // The log ended together with the build.
                    return Ok(build);
                }
            }
            build = &mut polls => break build?,
        }
    };
    ended.send_replace(true);
    if log_open {
        warn_if_unreadable(cx, app, id, log.await)?;
    }
    Ok(build)
}

/// Turns a log that can't be read into a warning: the polls go on.
fn warn_if_unreadable(
    cx: &Context,
    app: &AppName,
    id: &BuildId,
    shown: Result<Option<Build>, LogStop>,
) -> Result<Option<Build>, CommandError> {
    let why = match shown {
        Ok(build) => return Ok(build),
        Err(LogStop::Output(failure)) => return Err(failure),
        Err(LogStop::Log(error)) => format!("can't be read ({error})"),
        Err(LogStop::TimedOut | LogStop::Silent) => "could not be read in time".to_owned(),
    };
    cx.warn_with(format!("the build's log {why}"), [show_log_hint("read it with", app, id)]);
    Ok(None)
}

/// Whether a build may be missing from reads at first, because it was just started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    JustStarted,
    Known,
}

/// Polls until the build is over.
async fn poll_until_ended(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
    freshness: Freshness,
) -> Result<Build, CommandError> {
    let (started, rack) = (Instant::now(), rack.without_retries());
    let mut seen = freshness == Freshness::Known;
    let lags =
        |error: &Error| error.status() == Some(404) && started.elapsed() < cx.limits().reconcile;
    let condition = async |_| match rack.build(app, id).await {
        Ok(build) => {
            seen = true;
            Ok((!build.status.is_under_way()).then_some(build))
        }
        Err(error) if !seen && lags(&error) => Ok(None),
        Err(error) => Err(error),
    };
    let limit = cx.wait_limit();
    until(cx.polls(limit), notify_unavailable(cx), condition).await.map_err(|error| match error {
        WaitError::TimedOut => timed_out(app, id, limit),
        WaitError::Rack(error) => error.into(),
    })
}

fn timed_out(app: &AppName, id: &BuildId, limit: Duration) -> CommandError {
    let limit = GoDuration(limit);
    CommandError::timed_out(format!(
        "timeout: build {id} is not over after {limit}, and the rack goes on"
    ))
    .hint(show_build(app, id))
}

fn failed(app: &AppName, build: &Build) -> CommandError {
    let reason = build.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    CommandError::new(format!("build failed{reason}")).hint(show_log_hint(
        "read its log with",
        app,
        &build.id,
    ))
}

/// Advises to read the build's log again.
fn show_log_hint(lead: &str, app: &AppName, id: &BuildId) -> Hint {
    Hint::command(lead, "builds logs").arg(id).app(app)
}

/// Advises to look at the build.
fn show_build(app: &AppName, id: &BuildId) -> Hint {
    Hint::command("show it with", "builds info").arg(id).app(app)
}

fn without_release(app: &AppName, id: &BuildId) -> CommandError {
    CommandError::new(format!("build {id} is complete but has no release"))
        .hint(show_build(app, id))
}

fn interrupted(signal: EndSignal, app: &AppName, id: &BuildId) -> CommandError {
    CommandError::ended_while(signal, "the build goes on at the rack").hint(show_log_hint(
        "follow it with",
        app,
        id,
    ))
}

/// Shows the log of a build from its start to its end; follows it while the build goes on.
pub(crate) async fn show_whole(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
) -> Result<(), CommandError> {
    let ended = watch::Sender::new(false);
    let mode = FollowMode::Quiet(QUIET);
    let log = show_log(cx, rack, app, id, ended.subscribe(), mode);
    let mut log = std::pin::pin!(log);
    let polls = poll_until_ended(cx, rack, app, id, Freshness::Known);
    let shown = tokio::select! {
        biased;
        shown = &mut log => shown,
        build = polls => {
            build?;
            ended.send_replace(true);
            log.await
        }
    };
    match shown {
        Ok(_) => Ok(()),
        Err(LogStop::Silent) => {
            cx.notice(format!("the log of {id} has ended, and the rack still calls it running"));
            Ok(())
        }
        Err(LogStop::Log(LogError::Refused(text))) => {
            // The rack refused inside the websocket, perhaps because there is no such build.
            rack.build(app, id).await?;
            Err(CommandError::refused(text))
        }
        Err(LogStop::Log(error)) => Err(error.into()),
        Err(LogStop::TimedOut) => Err(CommandError::new(
            "the build's log could not be read in time",
        )
        .hint(show_log_hint("try again with", app, id))),
        Err(LogStop::Output(failure)) => Err(failure),
    }
}
