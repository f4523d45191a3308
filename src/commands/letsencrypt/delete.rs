use super::{checked_id, config, store};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;

/// Delete a Route 53 zone
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  convox letsencrypt dns route53 delete --id 1\n  convox letsencrypt dns route53 delete --id 1 -r acme/production"
)]
pub(crate) struct Args {
    /// Id of the solver
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    id: Option<i64>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let id = checked_id(args.id)?;
    let rack = cx.rack().await?;
    let mut config = config(&rack).await?;
    let before = config.solvers.len();
    config.solvers.retain(|solver| solver.id != id);
    if config.solvers.len() == before {
        return Err(CommandError::new("not found or invalid id")
            .hint(Hint::command("list the ids with", "letsencrypt dns route53 list")));
    }
    store(cx, &rack, config).await
}
