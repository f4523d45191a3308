//! The environment of an app on racks up to 20180708231844, which have routes of their own for it.

use std::sync::Arc;

use bytes::Bytes;

use crate::path;
use crate::transport::{Repeat, Request, Response};
use convox_wire::{AppName, Environment, Release, ReleaseId};

use super::{CreateRelease, Error, Rack, ReleasesBefore};

impl Rack {
    /// Replaces the environment of a rack up to 20180708231844 (`POST /apps/{app}/environment`).
    /// The header `Release-Id` names the release that this creates.
    ///
    /// # Errors
    /// [`Error::Status`]; [`Error::InvalidResponse`] if the header is missing.
    pub async fn replace_environment(
        &self,
        app: &AppName,
        env: &Environment,
        before: &ReleasesBefore,
    ) -> Result<Release, Error> {
        let body = Bytes::from(env.to_string());
        let request = Request::post(path!["apps", app, "environment"]).upload(Arc::new(body));
        self.environment_release(app, request, env, before).await
    }

    /// Removes a variable on a rack up to 20180708231844 (`DELETE /apps/{app}/environment/{key}`).
    /// `env` is the environment without it.
    ///
    /// # Errors
    /// As [`Rack::replace_environment`].
    pub async fn remove_variable(
        &self,
        app: &AppName,
        key: &str,
        env: &Environment,
        before: &ReleasesBefore,
    ) -> Result<Release, Error> {
        let request = Request::delete(path!["apps", app, "environment", key]);
        let request = request.repeat(Repeat::IfUnsent); // each one creates a release
        self.environment_release(app, request, env, before).await
    }

    async fn environment_release(
        &self,
        app: &AppName,
        request: Request,
        env: &Environment,
        before: &ReleasesBefore,
    ) -> Result<Release, Error> {
        let options = CreateRelease { env: Some(env.clone()), ..CreateRelease::default() };
        let read = |response: &Response| {
            let id = response.headers.get("release-id").and_then(|value| value.to_str().ok());
            id.map(ReleaseId::from_rack).ok_or_else(|| Error::InvalidResponse {
                request: request.line(),
                problem: "the header Release-Id is missing".to_owned(),
            })
        };
        let look = async || {
            let found = self.without_retries().new_release(app, &options, before).await?;
            Ok(found.map(|release| release.id).into())
        };
        let id = self.client.send_reconciled(&request, read, look).await?;
        self.release(app, &id).await
    }
}
