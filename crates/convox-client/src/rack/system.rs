use crate::path;
use convox_wire::System;

use super::{Compat, Error, Rack};

impl Rack {
    /// Returns name, version and status of the rack (`GET /system`; v2, v3, classic).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), convox_client::Error> {
    /// let system = rack.system().await?;
    /// println!("{} {} is {}", system.name, system.version, system.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn system(&self) -> Result<System, Error> {
        self.get(path!["system"]).await
    }

    /// Returns what this rack can do, judged by its version. The version is read once, and shared
    /// by all clones of this `Rack`.
    ///
    /// # Errors
    /// As [`Rack::system`]; the next call then reads the version again.
    pub async fn compat(&self) -> Result<Compat, Error> {
        let read = async || self.system().await.map(|system| Compat::of(&system.version));
        let compat = self.compat.get_or_try_init(read).await?;
        Ok(compat.clone())
    }
}
