use std::sync::Arc;

use crate::transport::{Download, Path, Repeat, Request, Upload};
use convox_wire::{AppName, Object, ObjectKey};

use super::{Error, Rack};

impl Rack {
    /// Stores an object (`POST /apps/{app}/objects/{key}`; v2, v3). The client chooses the key, so
    /// an upload that fails is repeated from its start.
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// use convox_client::wire::ObjectKey;
    ///
    /// let body = bytes::Bytes::from(std::fs::read("source.tgz")?);
    /// let random = [7; 15]; // choose your own
    /// let key = ObjectKey::temporary(random);
    /// let object = rack.upload(&"web".parse()?, &key, std::sync::Arc::new(body)).await?;
    /// println!("{}", object.url.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app. [`Error::Body`] if the body can't be read.
    pub async fn upload(
        &self,
        app: &AppName,
        key: &ObjectKey,
        body: Arc<dyn Upload>,
    ) -> Result<Object, Error> {
        let start = ["apps", app.as_str(), "objects"];
        let path = Path::of(start.into_iter().chain(key.segments()));
        self.read(Request::post(path).upload(body).repeat(Repeat::Safely)).await
    }

    /// Downloads an object (`GET /apps/{app}/objects/{key}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app or key, 500 on some v3 racks.
    pub async fn download_object(&self, app: &AppName, key: &ObjectKey) -> Result<Download, Error> {
        let start = ["apps", app.as_str(), "objects"];
        let path = Path::of(start.into_iter().chain(key.segments()));
        self.client.download(&Request::get(path)).await
    }
}
