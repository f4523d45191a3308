use std::sync::Arc;

use crate::path;
use crate::transport::{Download, Repeat, Request, Upload};
use convox_wire::{AppName, Resource, ResourceName};

use super::{Error, Rack};

impl Rack {
    /// Lists the resources of an app (`GET /apps/{app}/resources`; v2, v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for resource in rack.resources(&"web".parse()?).await? {
    ///     println!("{} is a {}", resource.name, resource.kind);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn resources(&self, app: &AppName) -> Result<Vec<Resource>, Error> {
        self.list(Request::get(path!["apps", app, "resources"])).await
    }

    /// Returns a resource (`GET /apps/{app}/resources/{name}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: `resource not found: …`.
    pub async fn resource(&self, app: &AppName, name: &ResourceName) -> Result<Resource, Error> {
        self.get(path!["apps", app, "resources", name]).await
    }

    /// Exports the data of a resource as a dump (`GET /apps/{app}/resources/{name}/data`; v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 400 `export not available for resources of type: …`.
    pub async fn export_resource(
        &self,
        app: &AppName,
        name: &ResourceName,
    ) -> Result<Download, Error> {
        let path = path!["apps", app, "resources", name, "data"];
        self.client.download(&Request::get(path)).await
    }

    /// Deletes a database that the rack has kept (`DELETE /rds/{name}`; v2).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 on v3 racks.
    pub async fn delete_database(&self, name: &ResourceName) -> Result<(), Error> {
        self.act(Request::delete(path!["rds", name])).await
    }

    /// Imports a dump (`PUT /apps/{app}/resources/{name}/data`; v3). Sent once: a dump that was
    /// loaded in part may not load again.
    ///
    /// # Errors
    /// [`Error::Status`]; [`Error::Body`] if the dump can't be read.
    pub async fn import_resource(
        &self,
        app: &AppName,
        name: &ResourceName,
        dump: Arc<dyn Upload>,
    ) -> Result<(), Error> {
        let path = path!["apps", app, "resources", name, "data"];
        self.act(Request::put(path).upload(dump).repeat(Repeat::IfUnsent)).await
    }
}
