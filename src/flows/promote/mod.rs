//! Promotes a release, and waits until the app runs it.

mod failure_log;
mod rollout;

use std::time::Duration;

use super::{app, notify_unavailable};
use crate::context::{Context, PromoteOptions};
use crate::error::{CommandError, ErrorKind, Hint};
use crate::event::Event;
use crate::settings::{BusyPolicy, Wait};
use crate::signals::{self, EndSignal};
use convox_client::rack::{Error, Force, Rack, Refusal};
use convox_client::wait::{WaitError, until};
use convox_wire::{App, AppName, AppStatus, ReleaseId};

/// A promote that takes longer gets a notice.
const SLOW_PROMOTE: Duration = Duration::from_secs(15);
/// How long the update that made a rack refuse ours may take to show: v2 racks cache for 5 s.
const SHOWN_WITHIN: Duration = Duration::from_secs(6);
/// How long a development rack that was just started may take to restore its services.
const RESTORE_LIMIT: Duration = Duration::from_secs(90);

/// Refuses before a build what the promote after it would refuse.
pub(crate) async fn refuse_early(
    cx: &Context,
    rack: &Rack,
    name: &AppName,
    options: PromoteOptions,
) -> Result<(), CommandError> {
    if options.busy == BusyPolicy::Queue || options.force == Force::Yes {
        return Ok(());
    }
    refuse_busy(&wait_until_settled(cx, rack, name).await?)
}

/// Promotes a release that the command has created. A failure names it.
pub(crate) async fn promote_new(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    release: &ReleaseId,
    options: PromoteOptions,
) -> Result<(), CommandError> {
    promote_new_after(cx, rack, app, release, options, async |_| ()).await
}

/// The same, with a look at the app before the release is promoted.
pub(crate) async fn promote_new_after(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    release: &ReleaseId,
    options: PromoteOptions,
    look: impl AsyncFnOnce(&App),
) -> Result<(), CommandError> {
    let accepted = async {
        let before = ready_app(cx, rack, app, release, options).await?;
        look(&before).await;
        send_until_accepted(cx, rack, before, release, options).await
    };
    let before = accepted.await.map_err(|failure| with_release(failure, app, release))?;
    finish(cx, rack, &before, release, options).await
}

/// Advises to promote a release that exists.
fn promote_hint(lead: impl Into<String>, app: &AppName, release: &ReleaseId) -> Hint {
    Hint::command(lead, "releases promote").arg(release).app(app)
}

/// The release exists; only the promote is missing.
fn with_release(failure: CommandError, app: &AppName, release: &ReleaseId) -> CommandError {
    let lacks_env = matches!(failure.refusal(), Some(Refusal::RequiredEnv(_)));
    if failure.kind() != ErrorKind::Failed || lacks_env {
        return failure;
    }
    failure.hint(promote_hint(format!("{release} is created; promote it with"), app, release))
}

/// Promotes `release`.
pub(crate) async fn promote(
    cx: &Context,
    rack: &Rack,
    name: &AppName,
    release: &ReleaseId,
    options: PromoteOptions,
) -> Result<(), CommandError> {
    let before = ready_app(cx, rack, name, release, options).await?;
    let before = send_until_accepted(cx, rack, before, release, options).await?;
    finish(cx, rack, &before, release, options).await
}

/// Waits for an accepted promote, if that is requested.
async fn finish(
    cx: &Context,
    rack: &Rack,
    before: &App,
    release: &ReleaseId,
    options: PromoteOptions,
) -> Result<(), CommandError> {
    cx.emit(Event::Accepted(release.clone()))?;
    if let Wait::Until(limit) = options.wait {
        tokio::select! {
            result = rollout::wait(cx, rack, before, release, limit, options.busy) => result?,
            signal = signals::received() => {
                return Err(interrupted(signal, &before.name, release));
            }
        }
    }
    if let Some(previous) = before.release.as_ref().filter(|previous| *previous != release) {
        let undo = Hint::command("undo it with", "releases rollback").arg(previous);
        cx.advise(&undo.app(&before.name));
    }
    Ok(())
}

/// Sends the promote until the rack accepts it. Returns the app as it was before. A queueing promote
/// also waits for one that another client started at the same moment.
async fn send_until_accepted(
    cx: &Context,
    rack: &Rack,
    mut before: App,
    release: &ReleaseId,
    options: PromoteOptions,
) -> Result<App, CommandError> {
    let name = &before.name.clone();
    cx.emit(Event::Promoting(release.clone()))?;
    let queues = options.busy == BusyPolicy::Queue && options.force == Force::No;
    loop {
        let sent = tokio::select! {
            sent = send(cx, rack, &before, release, options.force) => sent,
            signal = signals::received() => return Err(interrupted_while_sending(signal, name, release)),
        };
        let Err(error) = sent else { return Ok(before) };
        if !queues
            || error.refusal() != Some(Refusal::Updating)
            || !shows_update(cx, rack, &before).await?
        {
            return Err(explain(error, name, release));
        }
        let after = wait_in_queue(cx, rack, name, release, limit_of(cx, options.wait)).await?;
        let runs = |app: &App| app.release.as_ref() == Some(release);
        // The update may have been ours, if its response was lost.
        if runs(&after) && !runs(&before) {
            return Ok(before);
        }
        before = after;
    }
}

/// Whether the app shows, within a while, the update because of which the rack refused ours.
async fn shows_update(cx: &Context, rack: &Rack, before: &App) -> Result<bool, CommandError> {
    let polled = rack.without_retries();
    let shown = async |_| {
        let app = polled.app(&before.name).await?;
        let shown = app.status != AppStatus::Running || app.release != before.release;
        Ok(shown.then_some(()))
    };
    match until(cx.polls(SHOWN_WITHIN.min(cx.limits().reconcile)), notify_unavailable(cx), shown)
        .await
    {
        Ok(()) => Ok(true),
        Err(WaitError::TimedOut) => Ok(false),
        Err(WaitError::Rack(error)) => Err(error.into()),
    }
}

/// Reads the app, once a development rack that this run has started has restored it.
async fn wait_until_settled(
    cx: &Context,
    rack: &Rack,
    name: &AppName,
) -> Result<App, CommandError> {
    let app = app::read_existing(rack, name).await?;
    if app.status == AppStatus::Updating && cx.has_started_rack() {
        return app::wait_until_at_rest(cx, rack, name, RESTORE_LIMIT).await;
    }
    Ok(app)
}

/// Reads the app, and waits until it can take a promote.
async fn ready_app(
    cx: &Context,
    rack: &Rack,
    name: &AppName,
    release: &ReleaseId,
    options: PromoteOptions,
) -> Result<App, CommandError> {
    let before = wait_until_settled(cx, rack, name).await?;
    wait_until_ready(cx, rack, before, release, options).await
}

/// Returns the app once it can take a promote.
async fn wait_until_ready(
    cx: &Context,
    rack: &Rack,
    app: App,
    release: &ReleaseId,
    options: PromoteOptions,
) -> Result<App, CommandError> {
    if options.force == Force::Yes {
        return Ok(app);
    }
    match options.busy {
        BusyPolicy::Refuse => {
            refuse_busy(&app)?;
            refuse_active(&app, release)?;
            Ok(app)
        }
        BusyPolicy::Queue if app.status == AppStatus::Running => Ok(app),
        BusyPolicy::Queue => {
            cx.emit(Event::WaitingForApp)?;
            let app =
                wait_in_queue(cx, rack, &app.name, release, limit_of(cx, options.wait)).await?;
            cx.emit(Event::AppReady)?;
            Ok(app)
        }
    }
}

/// Waits for the app to come to rest. An error says that nothing was promoted.
async fn wait_in_queue(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    release: &ReleaseId,
    limit: Duration,
) -> Result<App, CommandError> {
    let left = tokio::select! {
        running = app::wait_until_at_rest(cx, rack, app, limit) => match running {
            Err(failure) if failure.kind() == ErrorKind::TimedOut => {
                CommandError::timed_out(format!("timeout: {app} is still busy; {release} was not promoted"))
            }
            running => return running,
        },
        signal = signals::received() => {
            CommandError::ended_while(signal, format!("{release} was not promoted"))
        }
    };
    Err(left.hint(promote_hint("promote it with", app, release)))
}

fn limit_of(cx: &Context, wait: Wait) -> Duration {
    match wait {
        Wait::Until(limit) => limit,
        Wait::No => cx.wait_limit(),
    }
}

fn refuse_busy(busy: &App) -> Result<(), CommandError> {
    if busy.status == AppStatus::Running {
        return Ok(());
    }
    Err(CommandError::new(app::busy(busy))
        .hint(app::wait_for_app(&busy.name))
        .hint("or go on anyway with --force"))
}

fn refuse_active(app: &App, release: &ReleaseId) -> Result<(), CommandError> {
    if app.release.as_ref() != Some(release) {
        return Ok(());
    }
    Err(CommandError::new(format!("release {release} is active already"))
        .hint(Hint::command("list releases with", "releases").app(&app.name))
        .hint("or promote it again with --force"))
}

/// Sends the promote, with a notice now and then while the rack prepares it.
async fn send(
    cx: &Context,
    rack: &Rack,
    before: &App,
    release: &ReleaseId,
    force: Force,
) -> Result<(), Error> {
    let mut sending = std::pin::pin!(rack.promote(before, release, Some(force)));
    loop {
        tokio::select! {
            sent = &mut sending => return sent,
            () = tokio::time::sleep(SLOW_PROMOTE) => cx.notice("the rack is still preparing the promote"),
        }
    }
}

/// Adds the advice that fits a refusal.
fn explain(error: Error, app: &AppName, release: &ReleaseId) -> CommandError {
    let refusal = error.refusal();
    let failure = CommandError::from(error);
    let hint = match refusal {
        Some(Refusal::OlderRelease) => {
            Hint::command("roll back to it with", "releases rollback").arg(release).app(app)
        }
        Some(Refusal::Updating) => app::wait_for_app(app),
        Some(Refusal::EmptyManifest) => {
            Hint::command("it has no build; deploy the app with", "deploy").app(app)
        }
        Some(Refusal::RequiredEnv(names)) => {
            let set = Hint::command("set what is missing with", "env set");
            let set = names.iter().fold(set, |set, name| set.arg(format!("{name}=…")));
            set.arg("--promote").app(app)
        }
        Some(Refusal::ReleaseNotFound) => Hint::command("list releases with", "releases").app(app),
        _ => return failure,
    };
    failure.with_hints([hint])
}

fn interrupted_while_sending(
    signal: EndSignal,
    app: &AppName,
    release: &ReleaseId,
) -> CommandError {
    CommandError::ended_while(signal, format!("the rack may go on promoting {release}"))
        .hint(app::show_app(app))
}

fn interrupted(signal: EndSignal, app: &AppName, release: &ReleaseId) -> CommandError {
    CommandError::ended_while(signal, format!("the rack goes on promoting {release}"))
        .hint(app::show_app(app))
}
