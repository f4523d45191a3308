pub(crate) mod create_from;
pub(crate) mod diff;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod manifest;
pub(crate) mod previous;
pub(crate) mod promote;
pub(crate) mod rollback;

use serde::Serialize;

use convox_wire::{AppName, ReleaseId};

/// The document of a command that promotes a release.
#[derive(Serialize)]
struct Promoted {
    app: AppName,
    release: ReleaseId,
}
