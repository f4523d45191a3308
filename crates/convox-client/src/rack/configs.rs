use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::path;
use crate::transport::Request;
use convox_wire::{AppConfig, AppName};

use super::{Error, Rack};

/// The app config with the environment keys to mask on terminals (v3).
const ENV_MASK: &str = "cli-env-mask";

impl Rack {
    /// Lists the configs of an app (`GET /apps/{app}/configs`; v3).
    ///
    /// ```no_run
    /// # async fn example(rack: convox_client::Rack) -> Result<(), Box<dyn std::error::Error>> {
    /// let app = "web".parse()?;
    /// rack.set_config(&app, "limits.json", br#"{"requests": 100}"#).await?;
    /// for config in rack.configs(&app).await? {
    ///     println!("{}", config.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Status`]: 404 for an unknown app.
    pub async fn configs(&self, app: &AppName) -> Result<Vec<AppConfig>, Error> {
        self.list(Request::get(path!["apps", app, "configs"])).await
    }

    /// Returns a config (`GET /apps/{app}/configs/{name}`; v3).
    ///
    /// # Errors
    /// [`Error::Status`]: 404 `app config not found: …`.
    pub async fn config(&self, app: &AppName, name: &str) -> Result<AppConfig, Error> {
        self.get(path!["apps", app, "configs", name]).await
    }

    /// Creates or replaces a config (`PUT /apps/{app}/configs/{name}`; v3).
    ///
    /// # Errors
    /// [`Error::Status`].
    pub async fn set_config(&self, app: &AppName, name: &str, value: &[u8]) -> Result<(), Error> {
        let path = path!["apps", app, "configs", name];
        self.act(Request::put(path).form("value", BASE64_STANDARD.encode(value))).await
    }

    /// Replaces the environment keys to mask (`PUT /apps/{app}/configs/cli-env-mask`; v3).
    ///
    /// # Errors
    /// [`Error::Status`] on racks without configs.
    pub async fn set_env_mask<'a>(
        &self,
        app: &AppName,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let keys: Vec<&str> = keys.into_iter().collect();
        self.set_config(app, ENV_MASK, keys.join(",").as_bytes()).await
    }

    /// Returns the environment keys to mask (`GET /apps/{app}/configs/cli-env-mask`; v3). On racks
    /// without configs, and for apps without a mask, there are none.
    ///
    /// # Errors
    /// Those of the transport, except refusals.
    pub async fn env_mask(&self, app: &AppName) -> Result<Vec<String>, Error> {
        match self.config(app, ENV_MASK).await {
            Ok(config) => Ok(config.value.split(',').map(|key| key.trim().to_owned()).collect()),
            Err(Error::Status { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
