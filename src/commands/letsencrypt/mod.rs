//! `letsencrypt dns route53 …`: how a rack proves to Let's Encrypt that it controls a domain (v3).

pub(crate) mod add;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod role;
pub(crate) mod update;

use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use convox_client::rack::Rack;
use convox_wire::{DnsSolver, LetsEncryptConfig, Route53};

/// A solver, for adding and updating.
#[derive(clap::Args)]
struct SolverFlags {
    /// Id of the solver, from 1
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    id: Option<i64>,
    /// Domains, joined by commas
    #[arg(long, value_name = "ZONES")]
    dns_zones: Option<String>,
    /// Id of the hosted zone
    #[arg(long, value_name = "ID")]
    hosted_zone_id: Option<String>,
    /// Role that may change the records of the zone
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// Region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl SolverFlags {
    fn zones(&self) -> Vec<String> {
        let zones = self.dns_zones.as_deref().unwrap_or_default().split(',');
        zones.map(str::trim).filter(|zone| !zone.is_empty()).map(str::to_owned).collect()
    }
}

fn checked_id(id: Option<i64>) -> Result<i64, CommandError> {
    let invalid = || {
        CommandError::new("invalid id or id is not provided")
            .hint("give a number from 1 on with --id")
    };
    id.filter(|id| *id > 0).ok_or_else(invalid)
}

async fn config(rack: &Rack) -> Result<LetsEncryptConfig, CommandError> {
    let read = rack.letsencrypt_config().await;
    read.map_err(|error| {
        let hints = CommandError::from(error.clone()).hints().to_vec();
        CommandError::while_doing("failed to get config", error).with_hints(hints)
    })
}

/// Stores the whole configuration: racks have no route for a part of it.
async fn store(
    cx: &Context,
    rack: &Rack,
    config: LetsEncryptConfig,
) -> Result<Outcome, CommandError> {
    rack.set_letsencrypt_config(&config).await?;
    cx.emit(Event::Done(None))?;
    Ok(Outcome::json(list::SolverList::from(config)))
}

/// A solver in this program's spelling.
#[derive(Serialize)]
struct Solver {
    id: i64,
    dns_zones: Vec<String>,
    hosted_zone_id: Option<String>,
    region: Option<String>,
    role: Option<String>,
}

impl From<DnsSolver> for Solver {
    fn from(solver: DnsSolver) -> Self {
        let Route53 { hosted_zone_id, region, role } = solver.route53.unwrap_or_default();
        Self { id: solver.id, dns_zones: solver.dns_zones, hosted_zone_id, region, role }
    }
}
