use super::edit;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;

/// Hide variables on terminals
///
/// Into a pipe or a file, their values are printed all the same.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox env mask set DB_PASS\n  \
                        convox env mask set DB_PASS API_KEY -a web")]
pub(crate) struct Args {
    /// Names of variables
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    edit(cx, &args.keys, "Setting", |keys, given| keys.extend(given)).await
}
