use super::set::{ThenFlags, outcome};
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::environment::{Change, change};
use crate::outcome::Outcome;

/// Remove environment variables in a new release
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox env unset COLOR --promote\n  \
                        convox env unset COLOR SHAPE -a web")]
pub(crate) struct Args {
    /// Names of the variables
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    then: ThenFlags,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let release = change(cx, &rack, &app, Change::Unset(args.keys), args.then.then()).await?;
    Ok(outcome(app, release))
}
