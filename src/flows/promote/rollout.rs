//! Waits until the app runs a promoted release, or until the rack has rolled it back.

use std::time::Duration;

use tokio::time::Instant;

use super::{failure_log, promote_hint};
use crate::context::Context;
use crate::error::{CommandError, ErrorKind, Hint};
use crate::event::Event;
use crate::flows::rollout_logs::RolloutLogs;
use crate::flows::{app, notify_unavailable};
use crate::settings::BusyPolicy;
use convox_client::rack::{Error, Rack, RollBack, Rollout, Verdict};
use convox_client::wait::{WaitError, until};
use convox_wire::{App, AppName, ReleaseId};

/// How long to wait for the end of a rollback, so that the next deploy is not refused.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(20);

/// Polls until the app runs the release, or the rack rolls it back.
pub(super) async fn wait(
    cx: &Context,
    rack: &Rack,
    before: &App,
    release: &ReleaseId,
    limit: Duration,
    busy: BusyPolicy,
) -> Result<(), CommandError> {
    cx.emit(Event::Waiting(release.clone()))?;
    let accepted = Instant::now();
    let mut logs = match busy {
        BusyPolicy::Queue => Some(RolloutLogs::open(cx, rack, &before.name).await?),
        BusyPolicy::Refuse => None,
    };
    let verdict = {
        let judged = verdict(cx, rack, before, release, limit);
        match &mut logs {
            Some(logs) => logs.show_beside(judged).await?,
            None => judged.await,
        }
    };
    let verdict = verdict.map_err(|error| timed_out(error, &before.name, release, limit))?;
    if let Some(logs) = logs {
        logs.finish().await?;
    }
    match verdict {
        Verdict::RolledBack(roll_back) => {
            Err(rolled_back(cx, rack, &before.name, &roll_back, accepted).await)
        }
        Verdict::Superseded { by } => Err(superseded(&before.name, release, &by)),
        _ => {
            cx.emit(Event::Running(release.clone()))?;
            Ok(())
        }
    }
}

async fn verdict(
    cx: &Context,
    rack: &Rack,
    before: &App,
    release: &ReleaseId,
    limit: Duration,
) -> Result<Verdict, WaitError> {
    let mut rollout = Rollout::new(release.clone(), before);
    let (accepted, polled) = (Instant::now(), rack.without_retries());
    let judge = async |_| {
        let app = polled.app(&before.name).await?;
        let mut verdict = rollout.judge(&app, accepted.elapsed());
        if verdict == Verdict::Doubtful {
            rollout.set_stale_reads(!polled.compat().await?.shows_release_at_once());
            verdict = rollout.judge(&app, accepted.elapsed());
        }
        Ok((verdict != Verdict::Pending).then_some(verdict))
    };
    until(cx.polls(limit), notify_unavailable(cx), judge).await
}

/// The error of a release that was rolled back, with what the app has logged about it. The next
/// promote would be refused during the rollback, so its end is awaited for a while.
async fn rolled_back(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    roll_back: &RollBack,
    accepted: Instant,
) -> CommandError {
    let RollBack { release, restored } = roll_back;
    let rest = app::wait_until_at_rest(cx, rack, app, ROLLBACK_LIMIT).await;
    let lines = failure_log::read(rack, app, release, accepted.elapsed()).await;
    let to = match restored {
        Some(restored) => format!("the rack gave up on {release} and went back to {restored}"),
        None => format!("the rack gave up on {release}, and there is no release to go back to"),
    };
    let lines = lines.into_iter().map(|line| format!("  {line}"));
    let error = CommandError::new(format!("rollback: {to}")).with_details(lines);
    match rest {
        Err(rest) if rest.kind() == ErrorKind::TimedOut => {
            error.hint(app::recent_log(app)).hint(app::wait_for_app(app))
        }
        _ => error.hint(app::recent_log(app)),
    }
}

fn superseded(app: &AppName, release: &ReleaseId, by: &ReleaseId) -> CommandError {
    CommandError::new(format!("{release} was superseded by {by}, which {app} is running"))
        .hint(Hint::command("list releases with", "releases").app(app))
        .hint(promote_hint("promote it again with", app, release))
}

fn timed_out(
    error: WaitError,
    app: &AppName,
    release: &ReleaseId,
    limit: Duration,
) -> CommandError {
    match error {
        WaitError::TimedOut => {
            let limit = convox_wire::duration::GoDuration(limit);
            CommandError::timed_out(format!(
                "timeout: {app} does not run {release} after {limit}, and the rack goes on"
            ))
            .hint(app::show_app(app))
        }
        WaitError::Rack(error) => unwatched(error, app, release),
    }
}

/// The error of a poll after the promote was accepted: the rollout goes on without us.
fn unwatched(error: Error, app: &AppName, release: &ReleaseId) -> CommandError {
    CommandError::from(error)
        .hint(format!("the rack goes on promoting {release}"))
        .hint(app::show_app(app))
}
