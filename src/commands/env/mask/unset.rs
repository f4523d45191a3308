use super::edit;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;

/// Show variables on terminals again
///
/// Into a pipe or a file, their values are printed all the same.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox env mask unset DB_PASS\n  \
                        convox env mask unset DB_PASS API_KEY -a web")]
pub(crate) struct Args {
    /// Names of variables
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    edit(cx, &args.keys, "Unsetting", |keys, given| keys.retain(|key| !given.contains(key))).await
}
