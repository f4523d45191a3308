//! Changes an app, and waits until the rack has rolled the change out.

use std::time::Duration;

use tokio::time::Instant;

use super::app;
use super::rollout_logs::RolloutLogs;
use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use convox_client::rack::{Error, Rack};
use convox_wire::{App, AppName};

/// Recognizes the end of an update that a rack has accepted, but may not show at once.
pub(super) struct UpdateWatch {
    accepted: Instant,
    unseen: Duration,
    was_seen: bool,
}

impl UpdateWatch {
    /// The update is accepted now, and may remain `unseen` for so long.
    pub(super) fn new(unseen: Duration) -> Self {
        Self { accepted: Instant::now(), unseen, was_seen: false }
    }

    /// Takes what the rack shows now. Returns whether the update is over.
    pub(super) fn is_over(&mut self, is_updating: bool, is_running: bool) -> bool {
        self.was_seen |= is_updating;
        is_running && (self.was_seen || self.accepted.elapsed() >= self.unseen)
    }
}

/// Does `change` as a step, and waits until it is rolled out.
pub(crate) async fn update(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    step: impl Into<String>,
    change: impl Future<Output = Result<(), Error>>,
) -> Result<(), CommandError> {
    roll_out(cx, rack, app, step, change).await?;
    cx.emit(Event::Done(None))
}

/// Begins a step with `change`, and waits until the app is running again. The rack's lines of the
/// app's log are shown meanwhile. Returns the app as it is then; the caller ends the step.
pub(crate) async fn roll_out(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    step: impl Into<String>,
    change: impl Future<Output = Result<(), Error>>,
) -> Result<App, CommandError> {
    cx.emit(Event::Step(step.into()))?;
    change.await?;
    cx.emit(Event::LogFollows)?;
    let mut logs = RolloutLogs::open(cx, rack, app).await?;
    let wait = app::wait_until_updated(cx, rack, app, cx.wait_limit());
    let updated = logs.show_beside(wait).await??;
    logs.finish().await?;
    Ok(updated)
}
