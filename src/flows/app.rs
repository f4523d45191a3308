//! Waiting for an app as a whole: at rest, gone.

use std::time::Duration;

use super::say_away;
use crate::context::Context;
use crate::outcome::Failure;
use crate::rack::{Error, Rack};
use crate::wait::{WaitError, until};
use crate::wire::{App, AppName, AppStatus};

/// Reads an app; a missing one is named with the way to make it.
pub(crate) async fn existing(rack: &Rack, app: &AppName) -> Result<App, Failure> {
    rack.app(app).await.map_err(|error| match error.status() {
        Some(404) => missing(app),
        _ => error.into(),
    })
}

/// What an app that is not at rest is doing, as a refusal begins.
pub(crate) fn busy(app: &App) -> String {
    let name = &app.name;
    match &app.status {
        AppStatus::Rollback => format!("app {name} is rolling back"),
        status => format!("app {name} is {status}"),
    }
}

/// There is no such app.
pub(crate) fn missing(app: &AppName) -> Failure {
    Failure::new(format!("no such app: {app}")).try_this(format!("try: convox apps create {app}"))
}

/// Waits until the app is at rest.
pub(crate) async fn running(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    limit: Duration,
) -> Result<App, Failure> {
    let polled = rack.once();
    let at_rest = async |_| {
        let app = polled.app(app).await?;
        Ok((app.status == AppStatus::Running).then_some(app))
    };
    until(cx.polls(limit), say_away(cx), at_rest).await.map_err(|error| match error {
        WaitError::Late => Failure::late(format!("timeout: {app} is still not running"))
            .try_this(format!("see: convox apps info {app}")),
        WaitError::Rack(error) => error.into(),
    })
}

/// Waits until the app is gone.
pub(crate) async fn gone(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    limit: Duration,
) -> Result<(), Failure> {
    let polled = rack.once();
    let gone = async |_| match polled.app(app).await {
        Err(error) if is_gone(&error) => Ok(Some(())),
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    until(cx.polls(limit), say_away(cx), gone).await.map_err(|error| match error {
        WaitError::Late => Failure::late(format!("timeout: {app} is still being deleted"))
            .try_this(format!("see: convox apps info {app}")),
        WaitError::Rack(error) => error.into(),
    })
}

/// v2 racks say so with a 500.
fn is_gone(error: &Error) -> bool {
    let words = error.to_string();
    error.status() == Some(404) || words.contains("no such app") || words.contains("app not found")
}
