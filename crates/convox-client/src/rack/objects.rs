use std::sync::Arc;

use crate::transport::{Download, Path, Request, Upload};
use convox_wire::{AppName, Object, ObjectKey};

use super::{Cause, Error, Rack};

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
        let growing = body.length().is_none();
        let request =
            Request::post(path).upload(body.clone()).repeat(crate::transport::Repeat::Safely);
        match self.client.send(&request).await {
            Err(error) if growing && wants_a_length(&error) => {
                body.complete().await;
                self.read(request).await
            }
            response => response?.json(),
        }
    }
}

impl Rack {
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

/// Whether an upload may have been refused, or cut, because its length was not known.
fn wants_a_length(error: &Error) -> bool {
    let cut = matches!(error, Error::Unreachable { cause: Cause::Cut(_), .. });
    cut || matches!(error.status(), Some(400 | 411 | 413 | 501))
}
