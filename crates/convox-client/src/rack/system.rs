use crate::path;
use convox_wire::System;

use super::{Compat, Error, Rack};

impl Rack {
    /// The rack itself (`GET /system`; v2, v3, classic).
    ///
    /// # Errors
    /// What the transport fails with.
    pub async fn system(&self) -> Result<System, Error> {
        self.get(path!["system"]).await
    }

    /// What this rack can do, by its version.
    ///
    /// # Errors
    /// As [`Rack::system`].
    pub async fn compat(&self) -> Result<Compat, Error> {
        Ok(Compat::of(&self.system().await?.version))
    }
}
