//! Waits for updates of a rack.

use std::time::Duration;

use tokio::time::Instant;

use super::notify_unavailable;
use super::rollout_logs::RolloutLogs;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use convox_client::rack::Rack;
use convox_client::wait::{WaitError, until};
use convox_wire::{System, SystemStatus};

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
    let accepted = Instant::now();
    let mut update_seen = false;
    let is_over = async |_| {
        let system = polled.system().await?;
        let is_running = system.status == SystemStatus::Running;
        update_seen |= !is_running;
        let over = is_running && (update_seen || accepted.elapsed() >= UNSEEN);
        Ok(over.then_some(system))
    };
    until(cx.polls(cx.wait_limit()), notify_unavailable(cx), is_over).await.map_err(|error| {
        match error {
            WaitError::TimedOut => CommandError::timed_out("timeout: the rack is still updating")
                .hint(Hint::command("show its status with", "rack")),
            WaitError::Rack(error) => error.into(),
        }
    })
}
