//! Imports builds.

use super::source::new_key;
use super::transfer::{Source, upload};
use crate::context::Context;
use crate::error::CommandError;
use convox_client::rack::Rack;
use convox_wire::{AppName, Build};

/// Imports an exported build as one step, which names the release that the rack creates.
pub(crate) async fn import_build(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    source: &Source,
) -> Result<Build, CommandError> {
    let key = new_key()?;
    let import = rack.import_build(app, &key, source.body());
    let work = upload(cx, "Importing", source, import);
    let release = |build: &Build| build.release.as_ref().map(ToString::to_string);
    cx.step_with("Importing build", work, release).await
}
