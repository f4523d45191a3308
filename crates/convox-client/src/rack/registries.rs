use secrecy::{ExposeSecret, SecretString};

use crate::path;
use crate::transport::{Path, Repeat, Request};
use convox_wire::Registry;

use super::{Error, Rack};

impl Rack {
    /// Lists the registries that the rack may pull images from (`GET /registries`; v2, v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for registry in rack.registries().await? {
    ///     println!("{}", registry.server);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn registries(&self) -> Result<Vec<Registry>, Error> {
        self.list(Request::get(path!["registries"])).await
    }

    /// Adds a registry (`POST /registries`; v2, v3). The rack logs in to it.
    ///
    /// # Errors
    /// [`Error::Status`]: `unable to authenticate`.
    pub async fn add_registry(
        &self,
        server: &str,
        username: &str,
        password: &SecretString,
    ) -> Result<Registry, Error> {
        let request = Request::post(path!["registries"])
            .form("server", server)
            .form("username", username)
            .form("password", password.expose_secret());
        self.read(request.repeat(Repeat::Safely)).await
    }

    /// Removes a registry (`DELETE /registries/{server}`, up to 20180708231844 `DELETE
    /// /registries?server=…`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: `no such registry: …`.
    pub async fn remove_registry(&self, server: &str) -> Result<(), Error> {
        if !self.compat().await?.is_after_2018() {
            let request = Request::delete(path!["registries"]).query("server", server);
            return self.client.send(&request).await.map(drop);
        }
        // The route takes a path: its slashes stay as they are.
        let segments = ["registries"].into_iter().chain(server.split('/'));
        self.act(Request::delete(Path::of(segments))).await
    }
}
