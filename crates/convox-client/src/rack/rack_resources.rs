//! The resources of a rack itself (v2; v3 racks have webhooks only).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::path;
use crate::transport::Request;
use convox_wire::serde_forms::null_is_empty;
use convox_wire::{App, AppName, RackResourceName, Resource};

use super::{Error, Rack, form_of};

/// A resource of a rack and the apps that it is linked to.
#[derive(Debug, Clone, Deserialize)]
pub struct RackResource {
    /// The resource.
    #[serde(flatten)]
    pub resource: Resource,
    /// The apps.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub apps: Vec<App>,
}

/// A kind of resource.
#[derive(Debug, Clone, Deserialize)]
pub struct ResourceKind {
    /// The name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// Its parameters.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub parameters: Vec<ResourceParameter>,
}

/// A parameter of a kind of resource.
#[derive(Debug, Clone, Deserialize)]
pub struct ResourceParameter {
    /// The name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// The default.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub default: String,
    /// What it does.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub description: String,
}

impl Rack {
    /// Lists the resources of the rack (`GET /resources`; v2, v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for found in rack.rack_resources().await? {
    ///     println!("{} is a {}", found.resource.name, found.resource.kind);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn rack_resources(&self) -> Result<Vec<RackResource>, Error> {
        self.list(Request::get(path!["resources"])).await
    }

    /// Returns a resource of the rack (`GET /resources/{name}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 `no such resource: …`.
    pub async fn rack_resource(&self, name: &RackResourceName) -> Result<RackResource, Error> {
        self.get(path!["resources", name]).await
    }

    /// Lists the kinds of resources (`OPTIONS /resources`; v2, v3).
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn resource_kinds(&self) -> Result<Vec<ResourceKind>, Error> {
        self.list(Request::options(path!["resources"])).await
    }

    /// Creates a resource (`POST /resources`; v2, v3), under a name of the rack's choice if none is
    /// given. Racks up to 20180708231844 take each parameter as a field of its own. Sent once.
    ///
    /// # Errors
    /// [`Error::Status`]: `no such resource type: …`.
    pub async fn create_rack_resource(
        &self,
        kind: &str,
        name: Option<&str>,
        parameters: &BTreeMap<String, String>,
    ) -> Result<RackResource, Error> {
        let request = Request::post(path!["resources"]);
        self.read(match self.compat().await?.is_after_2018() {
            true => request
                .form("kind", kind)
                .form("name", name)
                .form("parameters", form_of(parameters).unwrap_or_default()),
            false => fields(request.form("type", kind).form("name", name), parameters),
        })
        .await
    }

    /// Changes parameters of a resource (`PUT /resources/{name}`; v2).
    ///
    /// # Errors
    /// [`Error::Status`]: 400 on v3 racks.
    pub async fn update_rack_resource(
        &self,
        name: &RackResourceName,
        parameters: &BTreeMap<String, String>,
    ) -> Result<RackResource, Error> {
        let request = Request::put(path!["resources", name]);
        self.read(match self.compat().await?.is_after_2018() {
            true => request.form("parameters", form_of(parameters).unwrap_or_default()),
            false => fields(request, parameters),
        })
        .await
    }

    /// Deletes a resource (`DELETE /resources/{name}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 `no such resource: …`.
    pub async fn delete_rack_resource(&self, name: &RackResourceName) -> Result<(), Error> {
        self.act(Request::delete(path!["resources", name])).await
    }

    /// Gives an app the URL of a resource (`POST /resources/{name}/links`; v2).
    ///
    /// # Errors
    /// [`Error::Status`]: 400 on v3 racks.
    pub async fn link_rack_resource(
        &self,
        name: &RackResourceName,
        app: &AppName,
    ) -> Result<(), Error> {
        self.act(Request::post(path!["resources", name, "links"]).form("app", app.as_str())).await
    }

    /// Takes it away (`DELETE /resources/{name}/links/{app}`; v2).
    ///
    /// # Errors
    /// As [`Rack::link_rack_resource`].
    pub async fn unlink_rack_resource(
        &self,
        name: &RackResourceName,
        app: &AppName,
    ) -> Result<(), Error> {
        self.act(Request::delete(path!["resources", name, "links", app])).await
    }
}

fn fields(request: Request, parameters: &BTreeMap<String, String>) -> Request {
    parameters.iter().fold(request, |request, (name, value)| request.form(name.clone(), value))
}
