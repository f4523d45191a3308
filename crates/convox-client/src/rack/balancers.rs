use crate::path;
use crate::transport::Request;
use convox_wire::{AppName, Balancer};

use super::{Error, Rack};

impl Rack {
    /// Lists the load balancers of an app (`GET /apps/{app}/balancers`; v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for balancer in rack.balancers(&"web".parse()?).await? {
    ///     println!("{} at {}", balancer.name, balancer.endpoint);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn balancers(&self, app: &AppName) -> Result<Vec<Balancer>, Error> {
        self.list(Request::get(path!["apps", app, "balancers"])).await
    }
}
