//! Multi-step operations that several commands share: building, promoting, waiting.

pub(crate) mod app;
pub(crate) mod build;
mod build_log;
mod commit;
pub(crate) mod copy;
pub(crate) mod destination;
pub(crate) mod environment;
pub(crate) mod follow_build;
pub(crate) mod import;
pub(crate) mod logs;
pub(crate) mod managed_rack;
pub(crate) mod one_off;
pub(crate) mod promote;
pub(crate) mod proxy;
pub(crate) mod published_v2_versions;
pub(crate) mod published_versions;
pub(crate) mod rack_parameter_names;
pub(crate) mod rack_update;
pub(crate) mod rack_version;
mod rollout_logs;
pub(crate) mod secretbox;
pub(crate) mod session;
pub(crate) mod source;
pub(crate) mod starter;
mod terraform_rack;
pub(crate) mod transfer;
pub(crate) mod unpromoted;
pub(crate) mod update;

use crate::context::Context;
use convox_client::transport::Error;

/// Prints one notice per outage of the rack during a wait.
pub(crate) fn notify_unavailable(cx: &Context) -> impl FnMut(&Error) {
    move |error| {
        cx.outages.note_poll();
        cx.notice(format!("the rack does not answer ({error}); waiting for it"));
    }
}
