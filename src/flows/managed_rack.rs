//! The rack of a run with whoever keeps its version and its parameters: the rack itself, the
//! console that manages it, or Terraform on this machine.

use std::collections::BTreeMap;

use super::terraform_rack::TerraformRack;
use crate::context::{Context, Manager};
use crate::error::CommandError;
use convox_client::rack::{Console, ConsoleRack, Rack};
use convox_wire::RackName;

/// A rack, and who keeps its version and its parameters.
pub(crate) enum ManagedRack {
    /// The rack itself keeps them.
    Itself(Rack),
    /// The console keeps them.
    Console {
        /// The console.
        console: Console,
        /// The full name of the rack.
        name: RackName,
        /// What the console knows of it.
        rack: Box<ConsoleRack>,
    },
    /// Terraform's files on this machine keep them.
    Terraform(TerraformRack),
}

/// The parameters that a rack has, and its provider if that is known.
pub(crate) struct Current {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) provider: Option<String>,
}

impl ManagedRack {
    /// Finds the rack. A console is asked for it.
    pub(crate) async fn find(cx: &Context) -> Result<Self, CommandError> {
        Ok(match cx.manager().await? {
            Manager::Itself(rack) => Self::Itself(rack),
            Manager::Console { console, name } => {
                let rack = Box::new(console.managed_rack(&name).await?);
                Self::Console { console, name, rack }
            }
            Manager::Terraform { name, dir } => Self::Terraform(TerraformRack::new(name, dir)),
        })
    }

    /// Returns its parameters.
    pub(crate) async fn parameters(&self) -> Result<BTreeMap<String, String>, CommandError> {
        match self {
            Self::Itself(rack) => Ok(rack.system().await?.parameters),
            Self::Console { console, name, rack } => match &rack.parameters {
                Some(parameters) => Ok(parameters.clone()),
                None => Ok(console.rack(name).system().await?.parameters),
            },
            Self::Terraform(rack) => rack.parameters(),
        }
    }

    /// Returns its parameters and its provider.
    pub(crate) async fn current(&self) -> Result<Current, CommandError> {
        if let Self::Itself(rack) = self {
            let system = rack.system().await?;
            let provider = Some(system.provider).filter(|provider| !provider.is_empty());
            return Ok(Current { parameters: system.parameters, provider });
        }
        let provider = match self {
            Self::Itself(_) => None,
            Self::Console { rack, .. } => rack.provider().map(str::to_owned),
            Self::Terraform(rack) => Some(rack.provider()?.to_owned()),
        };
        Ok(Current { parameters: self.parameters().await?, provider })
    }
}
