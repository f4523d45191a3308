//! Waiting for an app: until it runs, until it is at rest, until it is deleted.

use std::time::Duration;

use super::notify_unavailable;
use super::update::UpdateWatch;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use convox_client::rack::{Error, Rack, Refusal};
use convox_client::wait::{WaitError, until};
use convox_wire::{App, AppName, AppStatus};

/// Reads an app. If it does not exist, the error advises how to create it.
pub(crate) async fn read_existing(rack: &Rack, app: &AppName) -> Result<App, CommandError> {
    rack.app(app).await.map_err(|error| match error {
        error if is_missing(&error) => missing(app),
        error => error.into(),
    })
}

/// What an app that is not at rest is doing, for an error.
pub(crate) fn busy(app: &App) -> String {
    let name = &app.name;
    match &app.status {
        AppStatus::Rollback => format!("app {name} is rolling back"),
        status => format!("app {name} is {status}"),
    }
}

/// Advises to look at the app.
pub(crate) fn show_app(app: &AppName) -> Hint {
    Hint::command("show its status with", "apps info").arg(app)
}

/// Advises to read what the app has logged lately.
pub(crate) fn recent_log(app: &AppName) -> Hint {
    Hint::command("find the reason with", "logs")
        .arg("--since")
        .arg("10m")
        .arg("--no-follow")
        .app(app)
}

/// Advises to wait for the app.
pub(crate) fn wait_for_app(app: &AppName) -> Hint {
    Hint::command("wait for it with", "apps wait").arg(app)
}

/// The error for an app that does not exist.
pub(crate) fn missing(app: &AppName) -> CommandError {
    CommandError::new(format!("no such app: {app}"))
        .hint(Hint::command("create it with", "apps create").arg(app))
}

/// Waits until the app is running. A rollback, or a failed app, ends the wait with an error.
pub(crate) async fn wait_until_running(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    limit: Duration,
) -> Result<App, CommandError> {
    let over = |status: &AppStatus| {
        matches!(status, AppStatus::Running | AppStatus::Rollback | AppStatus::Failed)
    };
    not_rolled_back(until_status(cx, rack, app, limit, over).await?)
}

/// How long a rack may show nothing of an update that it has accepted: v3 racks derive the status
/// from the cluster, v2 racks cache it for 5 s.
const UNSEEN_V3: Duration = Duration::from_secs(2);
const UNSEEN_V2: Duration = Duration::from_secs(6);

/// Waits until an update that the rack has just accepted is rolled out: the app is running after it
/// was seen updating, or has shown no update for a while.
pub(crate) async fn wait_until_updated(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    limit: Duration,
) -> Result<App, CommandError> {
    let shows_at_once = rack.compat().await?.shows_release_at_once();
    let unseen = if shows_at_once { UNSEEN_V3 } else { UNSEEN_V2 };
    let mut watch = UpdateWatch::new(unseen);
    let over = |status: &AppStatus| {
        let (is_updating, is_running) =
            (*status == AppStatus::Updating, *status == AppStatus::Running);
        watch.is_over(is_updating, is_running)
            || matches!(status, AppStatus::Rollback | AppStatus::Failed)
    };
    let app = until_status(cx, rack, app, limit, over).await?;
    not_rolled_back(app)
}

/// Waits until the app can take an update. A rollback is waited for like an update.
pub(crate) async fn wait_until_at_rest(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    limit: Duration,
) -> Result<App, CommandError> {
    let over = |status: &AppStatus| matches!(status, AppStatus::Running | AppStatus::Failed);
    not_failed(until_status(cx, rack, app, limit, over).await?)
}

async fn until_status(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    limit: Duration,
    mut over: impl FnMut(&AppStatus) -> bool,
) -> Result<App, CommandError> {
    let polled = rack.without_retries();
    let is_over = async |_| {
        let app = polled.app(app).await?;
        Ok(over(&app.status).then_some(app))
    };
    until(cx.polls(limit), notify_unavailable(cx), is_over).await.map_err(|error| match error {
        WaitError::TimedOut => {
            CommandError::timed_out(format!("timeout: {app} is still not running"))
                .hint(show_app(app))
        }
        WaitError::Rack(error) => error.into(),
    })
}

fn not_rolled_back(app: App) -> Result<App, CommandError> {
    match &app.status {
        AppStatus::Rollback => Err(failed_with_logs(
            &app,
            format!("rollback: the rack gave up on the update of {}", app.name),
        )),
        _ => not_failed(app),
    }
}

fn not_failed(app: App) -> Result<App, CommandError> {
    match app.status {
        AppStatus::Failed => Err(failed_with_logs(&app, busy(&app))),
        _ => Ok(app),
    }
}

fn failed_with_logs(app: &App, what: String) -> CommandError {
    CommandError::new(what).hint(recent_log(&app.name))
}

/// Waits until the app is deleted.
pub(crate) async fn wait_until_deleted(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    limit: Duration,
) -> Result<(), CommandError> {
    let polled = rack.without_retries();
    let gone = async |_| match polled.app(app).await {
        Err(error) if is_missing(&error) => Ok(Some(())),
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    until(cx.polls(limit), notify_unavailable(cx), gone).await.map_err(|error| match error {
        WaitError::TimedOut => {
            CommandError::timed_out(format!("timeout: {app} is still being deleted"))
                .hint(show_app(app))
        }
        WaitError::Rack(error) => error.into(),
    })
}

/// Returns whether the rack reports that there is no such app.
pub(crate) fn is_missing(error: &Error) -> bool {
    error.status() == Some(404) || error.refusal() == Some(Refusal::AppNotFound)
}
