use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::parameters::Parameters;
use convox_wire::AppName;

/// Show the parameters of an app
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps params\n  \
                        convox apps params convox-guide --json")]
pub(crate) struct Args {
    /// App name, instead of --app
    #[arg(value_name = "APP")]
    name: Option<AppName>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app_or(args.name.as_ref())?;
    let parameters = cx.rack().await?.app_parameters(&app).await?;
    Ok(Outcome::render(Parameters(parameters)))
}
