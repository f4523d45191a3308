use crate::transport::{Path, Request, Response};

use super::{Error, Rack};

impl Rack {
    /// Sends a GET for a path that is already encoded, with its query, such as
    /// `/apps/web/builds?limit=1`, and returns the response as it is.
    ///
    /// # Errors
    /// [`Error::Config`] for a path that does not begin with a slash; [`Error::Status`].
    pub async fn get_raw(&self, path: &str) -> Result<Response, Error> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let request = pairs.fold(Request::get(Path::encoded(path)?), |request, (name, value)| {
            request.query(name.into_owned(), value.into_owned())
        });
        self.client.send(&request.expect_list()).await
    }
}
