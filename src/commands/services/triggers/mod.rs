//! `services triggers …`: what makes an autoscaled service scale, instead of its manifest.

pub(crate) mod disable;
pub(crate) mod enable;
pub(crate) mod threshold_set;

use serde::Serialize;

use crate::error::CommandError;
use convox_client::rack::Rack;
use convox_client::rack::compat::V3_24_6;
use convox_wire::{AppName, ServiceName};

/// Refuses racks that have no overrides of triggers.
async fn require_overrides(rack: &Rack, command: &str) -> Result<(), CommandError> {
    let compat = rack.compat().await?;
    if compat.is_at_least(V3_24_6) {
        return Ok(());
    }
    Err(CommandError::new(format!(
        "services triggers {command} requires {}; rack reports {:?}",
        V3_24_6.requirement(),
        compat.version()
    )))
}

/// The service whose triggers were changed.
#[derive(Serialize)]
struct Changed {
    app: AppName,
    service: ServiceName,
}
