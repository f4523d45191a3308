use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use serde::Serialize;

/// Remove unused nodes of Karpenter
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack karpenter cleanup\n  \
                        convox rack karpenter cleanup -r staging")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let clean_up = async { Ok(rack.clean_up_karpenter().await?) };
    cx.step("Cleaning up Karpenter nodes", clean_up).await?;
    Ok(Outcome::json(CleanedUp { cleaned_up: true }))
}

#[derive(Serialize)]
struct CleanedUp {
    cleaned_up: bool,
}
