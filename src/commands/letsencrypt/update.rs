use super::{SolverFlags, config, store};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;

/// Change a Route 53 zone
///
/// Options that are not given leave the solver as it is.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox letsencrypt dns route53 update --id 1 --region us-west-2\n  convox letsencrypt dns route53 update --id 1 --dns-zones example.net"
)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: SolverFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let flags = args.flags;
    let rack = cx.rack().await?;
    let mut config = config(&rack).await?;
    let Some(solver) = config.solvers.iter_mut().find(|solver| Some(solver.id) == flags.id) else {
        return Err(CommandError::new("not found or invalid id")
            .hint(Hint::command("list the ids with", "letsencrypt dns route53 list")));
    };
    let zones = flags.zones();
    if !zones.is_empty() {
        solver.dns_zones = zones;
    }
    let route53 = solver.route53.get_or_insert_default();
    let SolverFlags { hosted_zone_id, region, role, .. } = flags;
    route53.hosted_zone_id = hosted_zone_id.or(route53.hosted_zone_id.take());
    route53.region = region.or(route53.region.take());
    route53.role = role.filter(|role| !role.is_empty()).or(route53.role.take());
    store(cx, &rack, config).await
}
