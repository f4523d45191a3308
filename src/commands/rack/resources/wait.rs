//! Waits for the rack after a change of a resource.

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::notify_unavailable;
use convox_client::rack::{Error, Rack, Refusal};
use convox_client::wait::{WaitError, until};
use convox_wire::RackResourceName;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Running,
    Deleted,
}

/// Waits, if that is asked for.
pub(super) async fn until_done(
    cx: &Context,
    rack: &Rack,
    name: &RackResourceName,
    goal: Goal,
) -> Result<(), CommandError> {
    if !cx.is_asked_to_wait() {
        return Ok(());
    }
    let polled = rack.without_retries();
    let reached = async |_| match (polled.rack_resource(name).await, goal) {
        (Ok(found), Goal::Running) => {
            Ok((found.resource.status.as_deref() == Some("running")).then_some(()))
        }
        (Ok(_), Goal::Deleted) => Ok(None),
        (Err(error), Goal::Deleted) if is_missing(&error) => Ok(Some(())),
        (Err(error), _) => Err(error),
    };
    until(cx.polls(cx.wait_limit()), notify_unavailable(cx), reached).await.map_err(|error| {
        match error {
            WaitError::TimedOut => {
                CommandError::timed_out(format!("timeout: {name} is still being changed"))
                    .hint(Hint::command("show its status with", "rack resources info").arg(name))
            }
            WaitError::Rack(error) => error.into(),
        }
    })
}

/// v2 racks say it with a 500, and in the words of CloudFormation.
fn is_missing(error: &Error) -> bool {
    error.status() == Some(404)
        || error.refusal() == Some(Refusal::ResourceNotFound)
        || error.to_string().contains("does not exist")
}
