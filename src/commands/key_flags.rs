//! The key of `encrypt` and `decrypt`.

use crate::context::Context;
use crate::error::CommandError;
use crate::flows::secretbox::Key;
use crate::settings::ExposeSecret;

/// Where the key comes from.
#[derive(clap::Args)]
pub(super) struct KeyFlags {
    /// Key: at least 32 bytes in base64. Other users of this machine can see it
    #[arg(long, value_name = "KEY", conflicts_with = "key_env")]
    key: Option<String>,
    /// Environment variable with the key
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

impl KeyFlags {
    /// Reads the key.
    pub(super) fn read(&self, cx: &Context) -> Result<Key, CommandError> {
        let Some(name) = &self.key_env else {
            return Key::parse(self.key.as_deref().unwrap_or_default());
        };
        let missing = || CommandError::usage(format!("the environment variable {name} is not set"));
        Key::parse(cx.settings.secret_variable(name).ok_or_else(missing)?.expose_secret())
    }
}
