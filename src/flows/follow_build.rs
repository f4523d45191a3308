//! A build's log, and beside it the truth: its status.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::build::Built;
use super::say_away;
use crate::context::Context;
use crate::event::Event;
use crate::outcome::Failure;
use crate::rack::{Error, LogError, Piece, Rack};
use crate::terminal;
use crate::wait::{WaitError, until};
use crate::wire::{AppName, Build, BuildId, BuildStatus};

/// The pause before a log that has ended is attached again, while the build goes on.
const AGAIN: Duration = Duration::from_millis(300);

/// Shows the log of `build` until the build is over.
pub(crate) async fn follow(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    build: Build,
) -> Result<Built, Failure> {
    let id = build.id;
    let over = tokio::select! {
        over = with_log(cx, rack, app, &id) => over?,
        _ = terminal::interrupted() => return Err(interrupted(app, &id)),
    };
    match over.status {
        BuildStatus::Complete => {
            let release = over.release.ok_or_else(|| without_release(app, &id))?;
            Ok(Built { build: id, release })
        }
        BuildStatus::Failed | BuildStatus::Error => Err(failed(app, &over)),
        BuildStatus::Timeout => Err(Failure::new("build timed out").try_this(show_again(app, &id))),
        status => Err(Failure::new(format!("unexpected build status: {status}"))
            .try_this(show_again(app, &id))),
    }
}

/// The log and the polls side by side; ends with the build, once the log has had its time.
async fn with_log(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
) -> Result<Build, Failure> {
    let mut log = std::pin::pin!(show_log(cx, rack, app, id));
    let mut polls = std::pin::pin!(over(cx, rack, app, id));
    let mut log_open = true;
    let build = loop {
        tokio::select! {
            biased;
            shown = &mut log, if log_open => match shown? {
                // The log's end was the build's.
                Some(build) => return Ok(build),
                None => log_open = false,
            },
            build = &mut polls => break build?,
        }
    };
    if log_open && let Ok(shown) = timeout(cx.limits().log_grace, log).await {
        shown?;
    }
    Ok(build)
}

/// Shows the log until the rack ends it and the build is over; gives the build then. A log that
/// cannot be read is a warning: the polls go on.
async fn show_log(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
) -> Result<Option<Build>, Failure> {
    let mut log = rack.build_log(app, id);
    loop {
        match log.next().await {
            Ok(Piece::Text(text)) => cx.emit(Event::BuildLog(text))?,
            Ok(Piece::Resumed(what)) => cx.notice(what),
            Ok(Piece::Ended) => {
                // The end of the stream says nothing about the build.
                match rack.build(app, id).await {
                    Ok(build) if !build.status.is_under_way() => return Ok(Some(build)),
                    _ => tokio::time::sleep(AGAIN).await,
                }
            }
            Err(error) => {
                warn_of_lost_log(cx, app, id, &error);
                return Ok(None);
            }
        }
    }
}

fn warn_of_lost_log(cx: &Context, app: &AppName, id: &BuildId, error: &LogError) {
    cx.warn(format!(
        "the build's log can't be read ({error}); the build goes on, {}",
        show_again(app, id)
    ));
}

/// Polls until the build is over. Lists and reads of a new build may lag, so that it is not found
/// at first.
async fn over(cx: &Context, rack: &Rack, app: &AppName, id: &BuildId) -> Result<Build, Failure> {
    let started = Instant::now();
    let mut seen = false;
    let lags = |error: &Error| error.status() == Some(404) && started.elapsed() < cx.limits().look;
    let condition = async |_| match rack.build(app, id).await {
        Ok(build) => {
            seen = true;
            Ok((!build.status.is_under_way()).then_some(build))
        }
        Err(error) if !seen && lags(&error) => Ok(None),
        Err(error) => Err(error),
    };
    until(cx.polls_for_ever(), say_away(cx), condition).await.map_err(|error| match error {
        WaitError::Late => Failure::late("timeout"),
        WaitError::Rack(error) => error.into(),
    })
}

fn failed(app: &AppName, build: &Build) -> Failure {
    let reason = build.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    Failure::new(format!("build failed{reason}")).try_this(show_again(app, &build.id))
}

fn show_again(app: &AppName, id: &BuildId) -> String {
    format!("see: convox builds logs {id} -a {app}")
}

fn without_release(app: &AppName, id: &BuildId) -> Failure {
    Failure::new(format!("build {id} is complete but has no release"))
        .try_this(format!("see: convox builds info {id} -a {app}"))
}

fn interrupted(app: &AppName, id: &BuildId) -> Failure {
    Failure::interrupted("interrupted; the build goes on at the rack")
        .try_this(format!("follow it with: convox builds logs {id} -a {app}"))
}

/// Shows the log of a build from its start to its end; follows it while the build goes on.
pub(crate) async fn show_whole(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    id: &BuildId,
) -> Result<(), Failure> {
    let mut log = rack.build_log(app, id);
    loop {
        match log.next().await {
            Ok(Piece::Text(text)) => cx.emit(Event::BuildLog(text))?,
            Ok(Piece::Resumed(what)) => cx.notice(what),
            Ok(Piece::Ended) => {
                if !rack.build(app, id).await?.status.is_under_way() {
                    return Ok(());
                }
                tokio::time::sleep(AGAIN).await;
            }
            Err(LogError::Refused(words)) => {
                // Said inside the socket, in the rack's own form of "there is none".
                rack.build(app, id).await?;
                return Err(Failure::new(words));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
