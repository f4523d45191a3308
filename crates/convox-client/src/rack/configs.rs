use serde::Deserialize;

use crate::path;
use convox_wire::AppName;
use convox_wire::serde_forms::null_is_empty;

use super::{Error, Rack};

/// The app config with the environment keys to mask on terminals (v3).
const ENV_MASK: &str = "cli-env-mask";

#[derive(Deserialize)]
struct AppConfig {
    #[serde(default, deserialize_with = "null_is_empty")]
    value: String,
}

impl Rack {
    /// Returns the environment keys to mask (`GET /apps/{app}/configs/cli-env-mask`; v3). On racks
    /// without configs, and for apps without a mask, there are none.
    ///
    /// # Errors
    /// Those of the transport, except refusals.
    pub async fn env_mask(&self, app: &AppName) -> Result<Vec<String>, Error> {
        match self.get::<AppConfig>(path!["apps", app, "configs", ENV_MASK]).await {
            Ok(config) => Ok(config.value.split(',').map(|key| key.trim().to_owned()).collect()),
            Err(Error::Status { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
