//! Imports builds, and dumps of resources.

use super::source::new_key;
use super::transfer::{Source, upload};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use convox_client::rack::{Rack, Refusal};
use convox_wire::{AppName, Build, ResourceName};

/// Imports an exported build as one step, which names the release that the rack creates.
pub(crate) async fn import_build(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    source: &Source,
) -> Result<Build, CommandError> {
    let key = new_key()?;
    let import = rack.import_build(app, &key, source.body());
    let ended = |signal| {
        CommandError::ended_while(signal, "the rack may import the build all the same")
            .hint(Hint::command("list builds with", "builds").app(app))
    };
    let work = upload(cx, "Importing", source, import, ended);
    let release = |build: &Build| build.release.as_ref().map(ToString::to_string);
    let imported = cx.step_with("Importing build", work, release).await;
    imported.map_err(|error| match error.refusal() {
        Some(Refusal::Other) if error.hints().is_empty() => {
            error.hint(Hint::command("export the build again with", "builds export").arg("BUILD"))
        }
        _ => error,
    })
}

/// Imports a dump into a resource.
pub(crate) async fn import_resource(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    resource: &ResourceName,
    source: &Source,
) -> Result<(), CommandError> {
    let import = rack.import_resource(app, resource, source.body());
    let ended = |signal| {
        CommandError::ended_while(signal, "a part of the dump may have been imported").hint(
            Hint::command("look at the data with", "resources console").arg(resource).app(app),
        )
    };
    upload(cx, "Importing", source, import, ended).await
}
