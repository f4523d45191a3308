//! A build's log, and beside it the truth: its status.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::build::Built;
use super::build_log::{FollowMode, Trouble, show_log};
use super::notify_unavailable;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::signals::{self, EndSignal};
use convox_client::rack::{Error, LogError, Rack};
use convox_client::wait::{WaitError, until};
use convox_wire::duration::GoDuration;
use convox_wire::{AppName, Build, BuildId, BuildStatus};

/// A log that has ended so long ago, of a build that is running by its status, does not go on.
const SILENCE: Duration = Duration::from_secs(5);

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

/// The log and the polls side by side; ends with the build, once the log has had its time.
async fn with_log(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
) -> Result<Build, CommandError> {
    let ended = watch::Sender::new(false);
    let log = show_log(cx, rack, app, id, ended.subscribe(), FollowMode::WholeBuild);
    let mut log = std::pin::pin!(log);
    let mut polls = std::pin::pin!(over(cx, rack, app, id, Age::New));
    let mut log_open = true;
    let build = loop {
        tokio::select! {
            biased;
            shown = &mut log, if log_open => {
                log_open = false;
                if let Some(build) = or_warned(cx, app, id, shown)? {
                    // The log's end was the build's.
                    return Ok(build);
                }
            }
            build = &mut polls => break build?,
        }
    };
    ended.send_replace(true);
    if log_open {
        or_warned(cx, app, id, log.await)?;
    }
    Ok(build)
}

/// The log is a view: that it cannot be read is a warning, and the polls go on.
fn or_warned(
    cx: &Context,
    app: &AppName,
    id: &BuildId,
    shown: Result<Option<Build>, Trouble>,
) -> Result<Option<Build>, CommandError> {
    let why = match shown {
        Ok(build) => return Ok(build),
        Err(Trouble::Output(failure)) => return Err(failure),
        Err(Trouble::Log(error)) => format!("can't be read ({error})"),
        Err(Trouble::TimedOut | Trouble::Silent) => "could not be read in time".to_owned(),
    };
    cx.warn_with(format!("the build's log {why}"), [show_log_hint("read it with", app, id)]);
    Ok(None)
}

/// Is the build one that was just started? Reads of it may lag, so that it is not found at first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    Any,
}

/// Polls until the build is over.
async fn over(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
    age: Age,
) -> Result<Build, CommandError> {
    let (started, rack) = (Instant::now(), rack.without_retries());
    let mut seen = age == Age::Any;
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
        WaitError::TimedOut => late(app, id, limit),
        WaitError::Rack(error) => error.into(),
    })
}

fn late(app: &AppName, id: &BuildId, limit: Duration) -> CommandError {
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
    let patience = FollowMode::Silence(SILENCE);
    let log = show_log(cx, rack, app, id, ended.subscribe(), patience);
    let mut log = std::pin::pin!(log);
    let polls = over(cx, rack, app, id, Age::Any);
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
        Err(Trouble::Silent) => {
            cx.notice(format!("the log of {id} has ended, and the rack still calls it running"));
            Ok(())
        }
        Err(Trouble::Log(LogError::Refused(words))) => {
            // Said inside the socket, in the rack's own form of "there is none".
            rack.build(app, id).await?;
            Err(CommandError::new(words))
        }
        Err(Trouble::Log(error)) => Err(error.into()),
        Err(Trouble::TimedOut) => Err(CommandError::new(
            "the build's log could not be read in time",
        )
        .hint(show_log_hint("try again with", app, id))),
        Err(Trouble::Output(failure)) => Err(failure),
    }
}
