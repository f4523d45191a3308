//! Updates a rack, and waits until that is done.

use std::time::Duration;

use super::managed_rack::ManagedRack;
use super::notify_unavailable;
use super::rollout_logs::RolloutLogs;
use super::update::UpdateWatch;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use convox_client::rack::{ManagedUpdate, Rack, SystemUpdate};
use convox_client::wait::{WaitError, until};
use convox_wire::{System, SystemStatus};

/// Makes a change where the rack's version and parameters are kept: sends it to the rack, or to the
/// console that manages it, or has Terraform apply it.
pub(crate) async fn update(
    cx: &Context,
    managed: &ManagedRack,
    change: SystemUpdate,
) -> Result<(), CommandError> {
    let (console, name, rack) = match managed {
        ManagedRack::Itself(rack) => return Ok(rack.update_system(&change).await?),
        ManagedRack::Terraform(rack) => return rack.change(cx, &change).await,
        ManagedRack::Console { console, name, rack } => (console, name, rack),
    };
    if !rack.has_state() {
        return Ok(console.rack(name).update_system(&change).await?);
    }
    let version = change.version.or_else(|| rack.version().map(str::to_owned));
    let change = ManagedUpdate {
        parameters: Some(change.parameters).filter(|parameters| !parameters.is_empty()),
        version: Some(version.ok_or_else(|| CommandError::new("current version invalid"))?),
        force: change.force,
    };
    Ok(console.update_managed_rack(name, &change).await?)
}

/// Does a change as one step, and waits until it is done if that is asked for. Terraform has done it
/// when it ends.
pub(crate) async fn step(
    cx: &Context,
    managed: &ManagedRack,
    text: impl Into<String>,
    change: SystemUpdate,
) -> Result<(), CommandError> {
    let waits = cx.is_asked_to_wait() && !matches!(managed, ManagedRack::Terraform(_));
    let update = update(cx, managed, change);
    if !waits {
        return cx.step(text, update).await;
    }
    cx.emit(Event::Step(text.into()))?;
    update.await?;
    cx.emit(Event::LogFollows)?;
    wait_with_log(cx, &cx.rack().await?).await?;
    cx.emit(Event::Done(None))
}

/// How long a rack may show nothing of an update that it has accepted: it caches its status.
const UNSEEN: Duration = Duration::from_secs(6);

/// Waits until an update of the rack is done, or has shown nothing for a while. The rack's log is
/// shown meanwhile.
pub(crate) async fn wait_with_log(cx: &Context, rack: &Rack) -> Result<System, CommandError> {
    let mut logs = RolloutLogs::of_rack(cx, rack).await?;
    let updated = logs.show_beside(wait(cx, rack)).await??;
    logs.finish().await?;
    Ok(updated)
}

/// Waits until an update of the rack is done, or has shown nothing for a while.
pub(crate) async fn wait(cx: &Context, rack: &Rack) -> Result<System, CommandError> {
    let polled = rack.without_retries();
    let mut watch = UpdateWatch::new(UNSEEN);
    let is_over = async |_| {
        let system = polled.system().await?;
        let is_running = system.status == SystemStatus::Running;
        Ok(watch.is_over(!is_running, is_running).then_some(system))
    };
    until(cx.polls(cx.wait_limit()), notify_unavailable(cx), is_over).await.map_err(|error| {
        match error {
            WaitError::TimedOut => CommandError::timed_out("timeout: the rack is still updating")
                .hint(Hint::command("show its status with", "rack")),
            WaitError::Rack(error) => error.into(),
        }
    })
}
