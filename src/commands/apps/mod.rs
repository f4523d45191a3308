pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod params;
pub(crate) mod unlock;
pub(crate) mod wait;

use serde::Serialize;

use convox_wire::AppName;

/// The result of `apps lock` and `apps unlock`.
#[derive(Serialize)]
struct Locked {
    app: AppName,
    locked: bool,
}
