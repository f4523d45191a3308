use crate::path;
use crate::transport::Request;
use convox_wire::{AppName, Process};

use super::{Error, Rack};

impl Rack {
    /// The processes of an app (`GET /apps/{app}/processes`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn processes(&self, app: &AppName) -> Result<Vec<Process>, Error> {
        self.list(Request::get(path!["apps", app, "processes"])).await
    }
}
