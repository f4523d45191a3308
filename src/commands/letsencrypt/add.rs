use super::{SolverFlags, checked_id, config, store};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use convox_wire::{DnsSolver, Route53};

/// Add a Route 53 zone
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox letsencrypt dns route53 add --id 1 --dns-zones example.org --role ARN\n  convox letsencrypt dns route53 add --id 2 --dns-zones example.org,example.net --role ARN --region us-west-2"
)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: SolverFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let flags = args.flags;
    let id = checked_id(flags.id)?;
    let dns_zones = flags.zones();
    if dns_zones.is_empty() {
        return Err(CommandError::new("dns zones are required")
            .hint("name them with --dns-zones, joined by commas"));
    }
    if flags.role.as_deref().is_none_or(str::is_empty) {
        return Err(CommandError::new("route53 access role is required")
            .hint("name one that may change the zones with --role"));
    }
    let rack = cx.rack().await?;
    let mut config = config(&rack).await?;
    if config.solvers.iter().any(|solver| solver.id == id) {
        return Err(CommandError::new("id required or provided id is already in use")
            .hint(Hint::command("list the ids with", "letsencrypt dns route53 list")));
    }
    let SolverFlags { hosted_zone_id, region, role, .. } = flags;
    let route53 = Some(Route53 { hosted_zone_id, region, role });
    config.solvers.push(DnsSolver { id, dns_zones, route53 });
    store(cx, &rack, config).await
}
