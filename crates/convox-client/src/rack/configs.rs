use serde::Deserialize;

use crate::path;
use convox_wire::AppName;
use convox_wire::serde_forms::null_is_empty;

use super::{Error, Rack};

/// Which environment keys are shown as `****` on terminals, kept as an app config (v3).
const ENV_MASK: &str = "cli-env-mask";

#[derive(Deserialize)]
struct AppConfig {
    #[serde(default, deserialize_with = "null_is_empty")]
    value: String,
}

impl Rack {
    /// The environment keys to mask (`GET /apps/{app}/configs/cli-env-mask`; v3). Racks without
    /// configs, and apps without a mask, have none.
    ///
    /// # Errors
    /// What the transport fails with, other than a refusal.
    pub async fn env_mask(&self, app: &AppName) -> Result<Vec<String>, Error> {
        match self.get::<AppConfig>(path!["apps", app, "configs", ENV_MASK]).await {
            Ok(config) => Ok(config.value.split(',').map(|key| key.trim().to_owned()).collect()),
            Err(Error::Status { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
