//! The parameters of a rack, wherever they are kept: by the rack itself, or by the console that
//! manages it.

use std::collections::BTreeMap;

use crate::context::{Context, Manager};
use crate::error::CommandError;
use convox_client::rack::Rack;

/// The parameters that a rack has, and its provider if that is known.
pub(crate) struct Current {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) provider: Option<String>,
}

/// Reads the parameters.
pub(crate) async fn read(cx: &Context) -> Result<BTreeMap<String, String>, CommandError> {
    Ok(read_with_provider(cx).await?.parameters)
}

/// Reads the parameters, and the provider that a console knows.
pub(crate) async fn read_with_provider(cx: &Context) -> Result<Current, CommandError> {
    match cx.manager().await? {
        Manager::Console { console, name } => {
            let rack = console.managed_rack(&name).await?;
            let provider = rack.provider().map(str::to_owned);
            let parameters = match rack.parameters {
                Some(parameters) => parameters,
                None => of_system(&console.rack(&name)).await?,
            };
            Ok(Current { parameters, provider })
        }
        Manager::Itself(rack) => {
            Ok(Current { parameters: of_system(&rack).await?, provider: None })
        }
    }
}

async fn of_system(rack: &Rack) -> Result<BTreeMap<String, String>, CommandError> {
    Ok(rack.system().await?.parameters)
}
