use serde::Serialize;

use super::{Solver, config};
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::table::Table;
use crate::output::{Render, RenderContext, View};
use convox_wire::LetsEncryptConfig;

/// List the Route 53 zones of a rack
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox letsencrypt dns route53 list\n  convox letsencrypt dns route53 list --json"
)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let config = config(&cx.rack().await?).await?;
    Ok(Outcome::render(SolverList::from(config)))
}

#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct SolverList(Vec<Solver>);

impl From<LetsEncryptConfig> for SolverList {
    fn from(config: LetsEncryptConfig) -> Self {
        Self(config.solvers.into_iter().map(Solver::from).collect())
    }
}

impl Render for SolverList {
    fn render(&self, _rc: &RenderContext) -> View {
        let mut table = Table::new(["ID", "DNS-ZONES", "HOSTED-ZONE-ID", "REGION", "ROLE"]);
        for solver in &self.0 {
            table.row([
                solver.id.to_string(),
                solver.dns_zones.join(","),
                solver.hosted_zone_id.clone().unwrap_or_default(),
                solver.region.clone().unwrap_or_default(),
                solver.role.clone().unwrap_or_default(),
            ]);
        }
        View::Table(table)
    }
}
