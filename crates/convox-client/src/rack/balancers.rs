use crate::path;
use crate::transport::Request;
use convox_wire::{AppName, Balancer};

use super::{Error, Rack};

impl Rack {
    /// Lists the load balancers of an app (`GET /apps/{app}/balancers`; v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn balancers(&self, app: &AppName) -> Result<Vec<Balancer>, Error> {
        self.list(Request::get(path!["apps", app, "balancers"])).await
    }
}
