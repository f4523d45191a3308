use crate::path;
use crate::transport::Request;
use convox_wire::{AppName, Service};

use super::{Error, Rack};

impl Rack {
    /// Lists the services of an app's active release, in the rack's order (`GET
    /// /apps/{app}/services`; v2, v3). Empty without a release.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for service in rack.services(&"web".parse()?).await? {
    ///     println!("{} runs {} processes", service.name, service.count);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn services(&self, app: &AppName) -> Result<Vec<Service>, Error> {
        self.list(Request::get(path!["apps", app, "services"])).await
    }
}
