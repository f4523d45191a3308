use super::info::AppInfo;
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::app;
use crate::outcome::Outcome;
use convox_client::rack::CreateApp;
use convox_wire::AppName;

/// Create an app
///
/// The name defaults to that in .convox/app, or the directory's name.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox apps create web\n  \
                        convox apps create web -r staging")]
pub(crate) struct Args {
    /// App name
    #[arg(value_name = "APP", value_hint = clap::ValueHint::Other)]
    name: Option<AppName>,
    /// Generation of the app (v2 racks)
    #[arg(short, long)]
    generation: Option<String>,
    /// Seconds that the rack may take to create it (v3 racks)
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u32>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let name = cx.app_or(args.name.as_ref())?;
    let options = CreateApp { generation: args.generation, timeout: args.timeout };
    let rack = cx.rack().await?;
    let create = async {
        rack.create_app(&name, &options).await?;
        app::wait_until_running(cx, &rack, &name, cx.wait_limit()).await
    };
    let app = cx.step(format!("Creating {name}"), create).await?;
    Ok(Outcome::json(AppInfo::from(app)))
}
