use std::collections::BTreeMap;

use crate::path;
use crate::transport::{Reconciled, Repeat, Request};
use convox_wire::{App, AppName};

use super::{Error, Rack, form_of};

/// Options for creating an app.
#[derive(Debug, Clone, Default)]
pub struct CreateApp {
    /// `1` or `2` on v2 racks; v3 racks ignore it.
    pub generation: Option<String>,
    /// How long creating may take, in seconds (v3).
    pub timeout: Option<u32>,
}

impl Rack {
    /// Lists the apps, sorted by name (`GET /apps`; v2, v3, classic).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// for app in rack.apps().await? {
    ///     println!("{} is {}", app.name, app.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        self.list(Request::get(path!["apps"])).await
    }

    /// Returns an app (`GET /apps/{app}`; v2, v3, classic).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 `app not found: …` (v2, v3), `no such app: …` (classic).
    pub async fn app(&self, app: &AppName) -> Result<App, Error> {
        self.get(path!["apps", app]).await
    }

    /// Creates an app (`POST /apps`; v2, v3, classic). On v3 its status is `updating` at first.
    /// After a lost response, an app of this name is taken for the new one.
    ///
    /// # Errors
    /// [`Error::Status`]: 409 (v3) or 500 (v2) if an app of this name exists.
    pub async fn create_app(&self, app: &AppName, options: &CreateApp) -> Result<App, Error> {
        let request = Request::post(path!["apps"])
            .form("name", app.as_str())
            .form("generation", &options.generation)
            .form("timeout", options.timeout);
        // App names are unique: sending it twice cannot create two.
        let request = request.clone().resend_as(request);
        self.client
            .send_reconciled(
                &request,
                |response| response.json(),
                async || match self.without_retries().app(app).await {
                    Ok(app) => Ok(Reconciled::Found(app)),
                    Err(error) if error.status() == Some(404) => Ok(Reconciled::NotFound),
                    Err(error) => Err(error),
                },
            )
            .await
    }

    /// Cancels the update of an app (`POST /apps/{app}/cancel`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 403 `app is not updating`.
    pub async fn cancel_app(&self, app: &AppName) -> Result<(), Error> {
        self.act(Request::post(path!["apps", app, "cancel"])).await
    }

    /// Forbids or allows deleting an app (`PUT /apps/{app}`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404.
    pub async fn set_app_lock(&self, app: &AppName, locked: bool) -> Result<(), Error> {
        self.act(Request::put(path!["apps", app]).form("lock", locked)).await
    }

    /// Returns the parameters of an app (`GET /apps/{app}`, up to 20180708231844 `GET
    /// /apps/{app}/parameters`; v2, v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404.
    pub async fn app_parameters(&self, app: &AppName) -> Result<BTreeMap<String, String>, Error> {
        if self.compat().await?.has_parameters_in_apps() {
            return Ok(self.app(app).await?.parameters);
        }
        self.get(path!["apps", app, "parameters"]).await
    }

    /// Sets parameters of an app, and leaves others as they are (`PUT /apps/{app}`, up to
    /// 20180708231844 `POST /apps/{app}/parameters`; v2, v3). v3 racks ignore unknown ones.
    ///
    /// # Errors
    /// [`Error::Status`]: 404.
    pub async fn set_app_parameters(
        &self,
        app: &AppName,
        parameters: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        if self.compat().await?.has_parameters_in_apps() {
            let request = Request::put(path!["apps", app]);
            return self.act(request.form("parameters", form_of(parameters))).await;
        }
        let request = Request::post(path!["apps", app, "parameters"]).repeat(Repeat::Safely);
        let request = parameters
            .iter()
            .fold(request, |request, (name, value)| request.form(name.clone(), value));
        self.client.send(&request).await.map(drop)
    }

    /// Deletes an app (`DELETE /apps/{app}`; v2, v3, classic). Its status is `deleting` for a
    /// while.
    ///
    /// # Errors
    /// [`Error::Status`]: 404; 409 if it is locked (v3).
    pub async fn delete_app(&self, app: &AppName) -> Result<(), Error> {
        self.act(Request::delete(path!["apps", app])).await
    }
}
